import Runs
import Stages
import Testing
import Training

@Suite("What a changed key means for a run that is resumed")
struct ChangeRulesTests {
    private static let run = """
        output_dir: out
        model_name_or_path: base
        dataset: {train: a.jsonl, eval: b.jsonl}
        stages: [sft, reward, dpo, evaluate]

        """

    /// The changes by overrides, where `sft` and `reward` have begun.
    private func changes(
        _ overrides: [String], begun: Set<String> = ["sft", "reward"], done: Set<String> = [], more: String = ""
    ) throws -> [RunChange] {
        let then = try RunConfiguration(yaml: Self.run + more, name: "run.yaml")
        let now = try RunConfiguration(yaml: Self.run + more, name: "run.yaml", overrides: overrides)
        return ChangeRules(configuration: now, begun: begun, done: done).changes(from: then.settings, to: now.settings)
    }

    @Test(
        "A key that enters a stage that has begun is refused by name, with both values",
        arguments: [
            ("sft.learning_rate=0.5", "sft.learning_rate: 2e-05 then, 0.5 now"), ("seed=7", "seed: 42 then, 7 now"),
            ("sft.num_train_epochs=2", "sft.num_train_epochs: 1.0 then, 2.0 now"),
            ("dataset.train=c.jsonl", "dataset.train: [a.jsonl] then, [c.jsonl] now"),
            ("model_name_or_path=other", "model_name_or_path: base then, other now"),
            ("dataset.on_bad_record=skip", "dataset.on_bad_record: fail then, skip now"),
            ("stages=[reward, sft, dpo, evaluate]", "stages: [sft, reward, dpo, evaluate] then, "),
        ])
    func refused(override: String, text: String) throws {
        let change = try #require(try changes([override]).first { $0.effect == .numerics })
        #expect(change.text.hasPrefix(text))
    }

    @Test(
        "How a run is watched and saved, and what only later stages use, is safe",
        arguments: [
            "logging_steps=5", "report_to=none", "save_steps=3", "sft.save_steps=3", "save_total_limit=9",
            "sft.eval_steps=2", "dpo.beta=0.3", "dpo.pairs=c.jsonl", "stages=[sft, reward, dpo]",
            "stages=[sft, reward, evaluate]",
        ])
    func safe(override: String) throws {
        let changes = try changes([override])
        #expect(!changes.isEmpty)
        #expect(changes.allSatisfy { $0.effect == .safe }, "\(changes)")
    }

    @Test(
        "Where a run lies and who computes what is no change of configuration",
        arguments: ["output_dir=moved", "threads_per_rank=3", "placement=colocated", "learners=4"])
    func free(override: String) throws {
        #expect(try changes([override]).isEmpty)
    }

    @Test("Held-out files are safe until a stage that reads them has begun; as eval_data they always are")
    func heldOut() throws {
        #expect(try changes(["dataset.eval=c.jsonl"]).map(\.effect) == [.safe])
        #expect(try changes(["dataset.eval=c.jsonl"], begun: ["evaluate"]).map(\.effect) == [.numerics])
    }

    @Test(
        "What decides which model a stage leaves is refused once it has begun",
        arguments: [
            "sft.eval_steps=1", "sft.eval_data=c.jsonl", "sft.save_steps=4", "save_steps=4", "dataset.eval=c.jsonl",
        ])
    func best(override: String) throws {
        let more = "save_steps: 2\nsft: {load_best_model_at_end: true, eval_steps: 2}\n"
        #expect(try changes([override], more: more).map(\.effect).max() == .numerics)
        #expect(try changes([override], begun: [], more: more).map(\.effect).max() == .safe)
        #expect(try changes(["reward.eval_steps=3"], more: more).map(\.effect) == [.safe])
    }

    @Test("What enters only a stage's end is safe until it is done, and so is to skip what would end it")
    func concluding() throws {
        let run = Self.run.replacing("[sft, reward, dpo, evaluate]", with: "[sft, reward, split]")
        let then = try RunConfiguration(yaml: run, name: "run.yaml")
        for (override, key) in [
            ("split.order=easy_to_hard", "split"), ("split.gamma=2", "split"), ("sft.on_non_finite=skip", "sft"),
        ] {
            let now = try RunConfiguration(yaml: run, name: "run.yaml", overrides: [override])
            for (done, effect) in [(Set<String>(), ChangeEffect.safe), ([key], .numerics)] {
                let rules = ChangeRules(configuration: now, begun: [key], done: done)
                #expect(rules.changes(from: then.settings, to: now.settings).map(\.effect) == [effect], "\(override)")
            }
            // The other way round, steps were skipped that would have ended the run.
            let back = ChangeRules(configuration: then, begun: ["sft"]).changes(from: now.settings, to: then.settings)
            #expect(key == "split" || back.map(\.effect) == [.numerics])
        }
    }

    @Test("Stages with names that YAML writes in quotes keep their places too")
    func quotedNames() throws {
        let run = Self.run + "y: {type: sft}\n"
        let then = try RunConfiguration(yaml: run, name: "run.yaml", overrides: ["stages=[y, sft]"])
        for (list, effect) in [("[y, sft, dpo]", ChangeEffect.safe), ("y", .safe), ("[sft, y]", .numerics)] {
            let now = try RunConfiguration(yaml: run, name: "run.yaml", overrides: ["stages=\(list)"])
            let changes = ChangeRules(configuration: now, begun: ["y"]).changes(from: then.settings, to: now.settings)
            #expect(changes.first { $0.text.hasPrefix("stages: ") }?.effect == effect, "\(list)")
        }
    }

    @Test("The size of a micro-batch changes the rounding only")
    func rounding() throws {
        #expect(try changes(["sft.max_tokens_per_micro_batch=99"]).map(\.effect) == [.rounding])
        #expect(try changes(["dpo.max_tokens_per_micro_batch=99"]).map(\.effect) == [.safe])
    }

    @Test("Dividing moments changes nothing, dividing gradients the rounding")
    func divided() throws {
        #expect(try changes(["sft.zero=1"]).isEmpty)
        #expect(try changes(["sft.zero=2"]).map(\.effect) == [.rounding])
        #expect(try changes(["sft.zero=0"], more: "sft: {zero: 2}\n").map(\.effect) == [.rounding])
        #expect(try changes(["dpo.zero=2"]).map(\.effect) == [.safe])
    }

    @Test("Before any stage has begun everything is safe, and keys that name moved files are safe later too")
    func moved() throws {
        #expect(try changes(["seed=7", "sft.learning_rate=1"], begun: []).allSatisfy { $0.effect == .safe })
        let then = try RunConfiguration(yaml: Self.run, name: "run.yaml")
        let now = try RunConfiguration(yaml: Self.run, name: "run.yaml", overrides: ["model_name_or_path=moved"])
        let rules = ChangeRules(configuration: now, begun: ["sft"])
        let changes = rules.changes(from: then.settings, to: now.settings, moved: ["model_name_or_path"])
        #expect(changes.map(\.effect) == [.safe])
    }
}

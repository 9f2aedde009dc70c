import Commands
import Configuration
import Runs
import Stages
import Testing
import Training

@Suite("Writing the resolved configuration")
struct ConfigurationWritingTests {
    static let runs = [
        "",
        "stages: [sft, reward, sample, split, bridge, dpo, ppo, merge, evaluate]\nbridge: {command: \"sh -c 'a: b'\"}",
        "stages: [sft, reward, split, dpo-x]\ndpo-x: {type: dpo, beta: 0.3}\nsplit: {quantile: 0.25, order: "
            + "easy_to_hard}",
        "stages: [sft, reward, dpo, merge, back]\nmerge: {alpha: [0.1, 0.3], num_prompts: 9}\nback: {type: merge, "
            + "method: interpolate, policy: dpo, alpha: 1e-3}",
        """
        stages: [ppo]
        chat_template: "null"
        eos_token: "<|im_end|>\\n\\"q\\" \\\\ é #: "
        report_to: none
        save_total_limit: null
        ppo:
          reward: "command: python3 judge.py --mode 'x: y'"
          stop_token: "1.5"
          kl_target: 6
          learning_rate: 1e-300
        """,
    ]

    @Test("It reads back to the same run, whatever was left to defaults", arguments: runs)
    func roundTrip(yaml: String) throws {
        let run = try configuration(yaml)
        let again = try RunConfiguration(yaml: run.yaml, name: "printed.yaml")
        #expect(again.stages == run.stages)
        #expect(again.dataset == run.dataset)
        #expect(again.yaml == run.yaml)
        #expect(again.eosToken == run.eosToken && again.chatTemplate == run.chatTemplate)
        #expect(again.reportTo == run.reportTo && again.saveTotalLimit == run.saveTotalLimit)
    }

    @Test("Every key of every stage is printed with its value")
    func everyKey() throws {
        let run = try configuration(
            "stages: [sft, reward, sample, split, bridge, dpo, ppo, merge, evaluate]\nbridge: {command: cat}")
        for stage in run.stages {
            let block = try #require(run.yaml.split(separator: "\n\(stage.name):\n").last).split(separator: "\n\n")[0]
            var inner = ""
            let printed = block.split(separator: "\n").compactMap { line -> String? in
                let key = line.prefix { $0 != ":" }.trimmingPrefix("  ")
                // A block within the block is no key of its own.
                if line.hasSuffix(":") { inner = "\(key)." }
                return line.hasSuffix(":") ? nil : key.hasPrefix("  ") ? inner + key.dropFirst(2) : String(key)
            }
            #expect(printed == ["type"] + stage.stage.keys)
        }
        #expect(run.yaml.hasPrefix("output_dir: runs/test\nseed: 42\nmodel_name_or_path: ./model\n"))
        #expect(run.yaml.contains("\n  kl_coef: 0.05\n"))
    }

    @Test("A printed configuration stays changeable: one override changes one line")
    func overridePrinted() throws {
        let run = try configuration("")
        let changed = try RunConfiguration(yaml: run.yaml, name: "printed.yaml", overrides: ["dpo.beta=0.3"])
        let difference = zip(run.yaml.split(separator: "\n"), changed.yaml.split(separator: "\n")).filter { $0 != $1 }
        #expect(difference.map(\.0) == ["  beta: 0.1"] && difference.map(\.1) == ["  beta: 0.3"])
    }

    @Test("The reference documents every key of every block")
    func reference() {
        let sections = ConfigurationReference.markdown(.standard).split(separator: "### ")
        #expect(sections.count == 4 + Registry.standard.stages.count)
        let shared = sections.last ?? ""
        for type in Registry.standard.stages {
            let section = sections.first { $0.hasPrefix("`\(type.type)`") } ?? ""
            for key in type.keys {
                let isShared = section.contains("`\(key)`,") || section.contains("`\(key)`.")
                #expect((isShared ? shared : section).contains("| `\(key)` |"), "\(type.type).\(key)")
            }
        }
        #expect(
            shared.contains(
                "`2e-05` (sft); `0.0001` (reward); `1e-06` (dpo, kto, grpo, rloo); `5e-07` (online_dpo); `3e-06` (ppo)")
        )
        #expect(
            ConfigurationReference.markdown(.standard).contains("| `cliprange` | a number, greater than 0.0 | `0.2` |"))
    }

    @Test("No stage has a key twice, and keys are written as the ecosystem's are", arguments: Registry.standard.types)
    func keys(type name: String) throws {
        let type = try #require(Registry.standard.stage(ofType: name))
        #expect(Set(type.keys).count == type.keys.count)
        #expect(type.keys.allSatisfy { $0.allSatisfy { $0.isLowercase || $0.isNumber || "_.".contains($0) } })
    }

    @Test("Every word of another trainer leads to a key that exists, and is no key itself")
    func synonyms() throws {
        let run = try configuration("")
        let top = run.yaml.split(separator: "\n\n")[0].split(separator: "\n").compactMap {
            $0.split(separator: ":").first.map(String.init)
        }
        let dataset = ["train", "eval", "config", "train_split", "eval_split", "on_bad_record"]
        let keys = Set(Registry.standard.stages.flatMap(\.keys) + top + dataset)
        for (word, key) in ForeignKeys.trainers.synonyms { #expect(keys.contains(key), "\(word) -> \(key)") }
        for word in ForeignKeys.trainers.advice.keys { #expect(!keys.contains(word), "\(word)") }
    }
}

@Suite("References to what stages read")
struct ArtifactReferenceTests {
    @Test("The text alone decides what is meant, and is what is printed")
    func forms() {
        let forms: [(String, ArtifactReference)] = [
            ("base", .base), ("dataset.train", .dataset(.train)), ("dataset.eval", .dataset(.eval)),
            ("sft", .stage("sft", part: nil)), ("split.easy", .stage("split", part: "easy")),
            ("./sft", .path("./sft")), ("models/sft", .path("models/sft")),
            ("pairs.jsonl", .path("pairs.jsonl")), ("pairs.jsonl.gz", .path("pairs.jsonl.gz")),
            ("rule:count", .rule("count")), ("command:python judge.py", .command("python judge.py")),
        ]
        for (text, reference) in forms {
            #expect(ArtifactReference(text) == reference)
            #expect(reference.description == text)
        }
        // Where home is, RunConfigurationTests tell.
        #expect(ArtifactReference("~").map { if case .path = $0 { true } else { false } } == true)
        #expect(ArtifactReference("") == nil)
        #expect(ArtifactReference("rule: ") == nil)
    }
}

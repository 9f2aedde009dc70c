import Configuration
import Objectives
import Runs
import Stages
import Testing
import Training

@Suite("Rounds in the list of stages")
struct RoundsTests {
    private static let iterative = """
        stages: [sft, reward, {rounds: 3, of: [sample, dpo]}, evaluate]
        sample: {policy: previous.dpo, n_samples_per_prompt: 4}
        dpo: {init: previous.dpo, beta: 0.3}

        """

    /// What a stage reads, as `key: reference` in the order of its keys, but for what it is evaluated on.
    private func inputs(_ run: RunConfiguration, _ name: String) -> [String] {
        run.stage(named: name)?.inputs.filter { !$0.role.isHeldOut }.map { "\($0.key): \($0.reference)" } ?? []
    }

    private func value(_ run: RunConfiguration, _ key: String) -> String? { run.settings[key] }

    @Test("They are written out under flat names, in which each round reads its own stages and those of the one before")
    func iterative() throws {
        let run = try configuration(Self.iterative)
        #expect(
            run.stages.map(\.name) == [
                "sft", "reward", "round-1-sample", "round-1-dpo", "round-2-sample", "round-2-dpo", "round-3-sample",
                "round-3-dpo", "evaluate",
            ])
        #expect(inputs(run, "round-1-sample") == ["policy: sft", "reward: reward", "prompts: dataset.train"])
        #expect(inputs(run, "round-1-dpo") == ["init: sft", "reference: sft", "pairs: round-1-sample"])
        #expect(inputs(run, "round-3-sample") == ["policy: round-2-dpo", "reward: reward", "prompts: dataset.train"])
        #expect(
            inputs(run, "round-3-dpo") == ["init: round-2-dpo", "reference: round-2-dpo", "pairs: round-3-sample"])
        #expect(value(run, "round-2-dpo.beta") == "0.3" && value(run, "round-3-sample.n_samples_per_prompt") == "4")
        #expect(value(run, "evaluate.policies") == "[sft, round-1-dpo, round-2-dpo, round-3-dpo]")
    }

    @Test("What is printed is flat and reads back to the same run, however often")
    func printed() throws {
        let run = try configuration(Self.iterative + "round-2-dpo: {beta: 0.1}\n")
        let again = try RunConfiguration(yaml: run.yaml, name: "printed.yaml")
        #expect(again.stages == run.stages && again.yaml == run.yaml)
        #expect(!run.yaml.contains("previous") && !run.yaml.contains("rounds"))
    }

    @Test("A block of one round's name overrides keys of the block that serves all, wherever each was written")
    func overrides() throws {
        let run = try configuration(
            "round-2-dpo: {beta: 0.1, init: sft}\n" + Self.iterative,
            overrides: [
                "dpo.beta=0.5", "round-3-sample.n_samples_per_prompt=8", "round-3-dpo.pairs=[sample, previous.sample]",
            ])
        #expect((1...3).map { value(run, "round-\($0)-dpo.beta") } == ["0.5", "0.1", "0.5"])
        #expect((1...3).map { value(run, "round-\($0)-sample.n_samples_per_prompt") } == ["4", "4", "8"])
        #expect(inputs(run, "round-2-dpo") == ["init: sft", "reference: sft", "pairs: round-2-sample"])
        #expect(inputs(run, "round-3-dpo").suffix(2) == ["pairs: round-3-sample", "pairs: round-2-sample"])
    }

    @Test("The reference and the start of a round are plain inputs: the round before, the sft stage or the base")
    func starts() throws {
        let run = try configuration(
            """
            stages: [sft, reward, {rounds: 2, name: r, of: [sample, dpo-b]}]
            sample: {policy: previous.dpo-b}
            dpo-b: {type: dpo, init: base, reference: previous.dpo-b}
            """)
        #expect(inputs(run, "r-1-dpo-b") == ["init: base", "reference: sft", "pairs: r-1-sample"])
        #expect(inputs(run, "r-2-dpo-b") == ["init: base", "reference: r-1-dpo-b", "pairs: r-2-sample"])
        #expect(run.stage(named: "r-2-dpo-b")?.type == "dpo")
    }

    @Test(
        "In the first round previous is what first says, else the only stage before that leaves the like, else base",
        arguments: [
            ("stages: [reward, {rounds: 2, of: [sample, dpo]}]", "base"),
            ("stages: [sft, reward, {rounds: 2, of: [sample, dpo]}]", "sft"),
            ("stages: [sft, reward, {rounds: 2, of: [sample, dpo], first: base}]", "base"),
            ("stages: [sft, reward, {rounds: 2, of: [sample, dpo], first: ./models/start}]", "./models/start"),
            ("stages: [sft, b, reward, {rounds: 2, of: [sample, dpo], first: {dpo: b}}]\nb: {type: sft}", "b"),
            ("stages: [reward, {rounds: 2, name: a, of: [sft]}, {rounds: 1, of: [sample, dpo]}]", "a-2-sft"),
            (
                "stages: [sft, reward, {rounds: 2, name: a, of: [sample, dpo]}, "
                    + "{rounds: 1, of: [sample, dpo], first: dpo}]", "a-2-dpo"
            ),
        ])
    func first(stages: String, reference: String) throws {
        let run = try configuration(stages + "\nsample: {policy: previous.dpo}")
        #expect(inputs(run, "round-1-sample")[0] == "policy: \(reference)")
    }

    @Test("Parts of what the round before left are named as parts are, and first may name each")
    func parts() throws {
        let stages = "{rounds: 2, of: [sample, split, dpo], first: {split.easy: easy.jsonl, split: given, dpo: base}}"
        let run = try configuration(
            """
            stages: [reward, given, \(stages)]
            given: {type: split}
            sample: {policy: previous.dpo}
            dpo: {pairs: [split.easy, previous.split.easy, previous.split.difficult]}
            """)
        let pairs = { (round: Int) in inputs(run, "round-\(round)-dpo").suffix(3).map { $0.dropFirst(7) } }
        #expect(pairs(1) == ["round-1-split.easy", "easy.jsonl", "given.difficult"])
        #expect(pairs(2) == ["round-2-split.easy", "round-1-split.easy", "round-1-split.difficult"])
    }

    @Test("Defaults take a stage of the own round before any other, and behind the rounds one of the last")
    func defaults() throws {
        let run = try configuration(
            """
            stages: [sft, reward, split, {rounds: 2, of: [sample, dpo]}, ppo, again]
            again: {type: dpo, init: dpo, reference: round-1-dpo}
            """)
        // The split comes first among the types that dpo looks for.
        #expect(inputs(run, "round-1-dpo") == ["init: sft", "reference: sft", "pairs: round-1-sample"])
        #expect(inputs(run, "ppo").prefix(2) == ["init: round-2-dpo", "reference: round-2-dpo"])
        #expect(inputs(run, "again").prefix(2) == ["init: round-2-dpo", "reference: round-1-dpo"])
    }

    /// Lines behind the three of the head, and the message that they must give.
    static let mistakes: [(yaml: String, message: String)] = [
        (
            "stages: [{rounds: 0, of: [sft]}]",
            "run.yaml:4: stages.rounds: expected an integer, between 1 and 1000, found '0'; say how many there are, as in "
                + "rounds: 3"
        ),
        (
            "stages:\n  - rounds: 2.5\n    of: [sft]",
            "run.yaml:5: stages.rounds: expected an integer, between 1 and 1000, found '2.5'; say how many there are, as in "
                + "rounds: 3"
        ),
        ("stages: [{of: [sft]}]", "run.yaml:4: stages.rounds: missing; write for example rounds: 3"),
        ("stages: [{rounds: 2}]", "run.yaml:4: stages.of: missing; write for example of: [sample, dpo]"),
        (
            "stages: [{rounds: 2, of: []}]",
            "run.yaml:4: stages.of: is empty; name the stages of a round, as in of: [sample, dpo]"
        ),
        (
            "stages: [{rounds: 2, of: [sft, {rounds: 2, of: [dpo]}]}]",
            "run.yaml:4: stages.of: rounds within rounds; list the stages of one round, as in of: [sample, dpo]"
        ),
        (
            "stages: [{rounds: 2, of: [sft, sft]}]",
            "run.yaml:4: stages.of: 'sft' is listed twice; give one a name and block of its own, as sft-2: {type: sft}"
        ),
        (
            "stages: [{rounds: 2, off: [sft], of: [sft]}]",
            "run.yaml:4: stages.off: unknown key; did you mean of?"
        ),
        (
            "stages: [{rounds: 2, of: [sftt]}]",
            "run.yaml:4: stages: unknown stage 'sftt'; did you mean sft? Give it a block, as sftt: {type: sft}; types are "
                + "sft, reward, sample, split, bridge, dpo, kto, online_dpo, ppo, grpo, rloo, merge, evaluate"
        ),
        (
            "stages: [{rounds: 2, name: a/b, of: [sft]}]",
            "run.yaml:4: stages: 'a/b-1-sft' cannot be a stage's name; begin with a letter; use letters, digits, - and _"
        ),
        (
            "stages: [sft, {rounds: 2, of: [sft]}]",
            "run.yaml:4: stages: 'sft' is the name of another stage, of rounds or beside them; give one a name and block of "
                + "its own, or the rounds a name"
        ),
        (
            "stages: [{rounds: 2, of: [sft]}, round-2-sft]\nround-2-sft: {type: sft}",
            "run.yaml:4: stages: 'round-2-sft' is the name of another stage, of rounds or beside them; give one a name and "
                + "block of its own, or the rounds a name"
        ),
        (
            "stages: [{rounds: 2, of: [sft]}, {rounds: 2, of: [dpo]}]",
            "run.yaml:4: stages: two entries of rounds are named 'round'; give one a name of its own, as name: more"
        ),
        (
            "stages: [{rounds: 2, of: [sft]}]\nround-2-sft: {type: dpo}",
            "run.yaml:5: round-2-sft.type: 'sft' is of type sft in every round; leave it out, or list a stage of another "
                + "name"
        ),
        (
            "stages: [{rounds: 2, of: [sft]}]\nround-3-sft: {max_steps: 2}",
            "run.yaml:5: round-3-sft: there is no such round: rounds is 2; raise rounds, or take the block out"
        ),
        (
            "stages: [{rounds: 2, of: [sft]}]\nround-2-sft: 3",
            "run.yaml:5: round-2-sft: expected a block of keys, found '3'; write key: value lines, indented, under "
                + "round-2-sft:"
        ),
        (
            "stages: [{rounds: 2, of: [sft]}]\nsft: {max_step: 2}",
            "run.yaml:5: sft.max_step: unknown key; did you mean max_steps?"
        ),
        (
            "stages: [{rounds: 2, of: [dpo]}]\ndpo: {init: previous.dop}",
            "run.yaml:5: dpo.init: 'previous.dop' names no stage of a round; did you mean previous.dpo?"
        ),
        (
            "stages: [{rounds: 2, of: [dpo, sft]}]\nround-2-dpo: {init: previous}",
            "run.yaml:5: round-2-dpo.init: 'previous' alone names no stage; write previous.dpo or previous.sft"
        ),
        (
            "stages: [{rounds: 2, of: [sft]}, dpo]\ndpo: {init: previous.sft}",
            "run.yaml:5: dpo.init: 'previous.sft' means nothing outside rounds; name an earlier stage"
        ),
        (
            "stages: [dpo, {rounds: 2, of: [sft]}]\ndpo: {init: sft}",
            "run.yaml:5: dpo.init: stage 'sft' is one of rounds that come later; name an earlier stage"
        ),
        (
            "stages: [reward, {rounds: 2, of: [sample, dpo]}]\nsample: {policy: dpo}",
            "run.yaml:5: round-1-sample.policy: stage 'dpo' comes later; move dpo before sample in stages, or write "
                + "previous.dpo for the round before's"
        ),
        (
            "stages: [{rounds: 2, of: [dpo]}]\ndpo: {init: dpo}",
            "run.yaml:5: round-1-dpo.init: 'dpo' is the stage itself; name an earlier stage, or the round before's, as "
                + "previous.dpo"
        ),
        (
            "stages: [sft, b, {rounds: 2, of: [dpo]}]\nb: {type: sft}\ndpo: {init: previous.dpo}",
            "run.yaml:6: dpo.init: the first round has no previous.dpo: sft and b come before the rounds; say what it is "
                + "there, as in first: {dpo: sft} beside rounds"
        ),
        (
            "stages: [reward, {rounds: 2, of: [sample, dpo]}]\ndpo: {pairs: [sample, previous.sample]}",
            "run.yaml:5: dpo.pairs: the first round has no previous.sample: no stage before the rounds leaves the like; say "
                + "what it is there, as in first: {sample: PATH} beside rounds"
        ),
        (
            "stages: [sft, {rounds: 2, of: [dpo], first: {dop: sft}}]\ndpo: {init: previous.dpo}",
            "run.yaml:4: stages.first: 'dop' is no stage of a round; did you mean dpo?"
        ),
        (
            "stages: [sft, {rounds: 2, of: [dpo], first: dpo}]\ndpo: {init: previous.dpo}",
            "run.yaml:4: stages.first: 'dpo' is not there before the rounds; name a stage before them, base or a path"
        ),
        (
            "stages: [sft, {rounds: 2, of: [dpo], first: stf}]\ndpo: {init: previous.dpo}",
            "run.yaml:4: round-1-dpo.init: no stage 'stf' in stages; did you mean sft? A path is written with a slash, as "
                + "./stf"
        ),
        (
            "stages: [sft, {rounds: 2, of: [dpo], first: sft}]",
            "run.yaml:4: stages.first: no stage of a round reads previous; write it where it is meant, as in init: "
                + "previous.dpo, or take first out"
        ),
        (
            "stages: [{rounds: 1, of: [split, dpo], first: {split: pairs.jsonl}}]\ndpo: {pairs: previous.split.easy}",
            "run.yaml:4: stages.first: 'pairs.jsonl' has no part 'easy', but dpo.pairs reads previous.split.easy; say what "
                + "it is, as in first: {split.easy: pairs.jsonl}"
        ),
        (
            "stages: [{rounds: 2, of: [a, b, dpo]}]\na: {type: sft}\nb: {type: sft}\ndpo: {beta: 0.2}",
            "run.yaml:7: round-1-dpo.init: a and b are both sft stages before it; say which, as in init: a"
        ),
        (
            "stages: [previous, {rounds: 2, of: [sft]}]\nprevious: {type: dpo}",
            "run.yaml:4: stages: 'previous' means the round before; give the stage another name"
        ),
        (
            "stages: [{rounds: 2, of: [previous]}]",
            "run.yaml:4: stages.of: 'previous' means the round before; give the stage another name"
        ),
        (
            "stages: [{rounds: 2, of: [sample]}]\nsmaple: {top_k: 5}",
            "run.yaml:5: smaple: unknown key; did you mean sample?"
        ),
        (
            "stages: [sft]\nsft: {init: previous.sft}",
            "run.yaml:5: sft.init: 'previous.sft' means nothing outside rounds; "
                + "name an earlier stage"
        ),
    ]

    @Test("Blocks within blocks are laid over key by key, and what they name is a round's")
    func nested() throws {
        let run = try configuration(
            """
            stages: [sft, {rounds: 2, of: [reward, dpo]}]
            dpo: {loss_type: mrpo, references: [base, sft], mrpo: {alpha: 0.3}, hpo: {reward: reward}}
            round-2-dpo: {mrpo: {epsilon: 0.2}}
            """)
        let dpo = run.stages.compactMap { $0.stage as? DPOStage }.map(\.options)
        #expect(dpo.map(\.auxiliaryReward?.description) == ["round-1-reward", "round-2-reward"])
        let settings = dpo.map { $0.choice.settings[MultipleReferencesOptions.self] }
        #expect(settings.map(\.alpha) == [0.3, 0.3] && settings.map(\.epsilon) == [0.1, 0.2])
    }

    @Test("What cannot be is refused with its line and a way out", arguments: mistakes)
    func mistake(yaml: String, message: String) {
        let error = #expect(throws: ConfigurationError.self) { try configuration(yaml) }
        #expect(error?.description == message)
    }
}

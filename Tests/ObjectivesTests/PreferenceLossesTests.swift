import Configuration
import Objectives
import Testing
import Torch

@Suite("The registry of preference losses")
struct PreferenceLossesTests {
    private static let losses = PreferenceLosses.standard.adding(
        PreferenceLossForm("capped", Sum.self, LogRatio.self, Capped.self),
        PreferenceLossForm("free", Mean.self, Alone.self, Capped.self))

    @Test("It is a value: adding to it leaves it as it was")
    func value() {
        #expect(PreferenceLosses.standard.names.prefix(4) == ["sigmoid", "ipo", "ipo_sum", "hinge"])
        #expect(Self.losses.names == PreferenceLosses.standard.names + ["capped", "free"])
        #expect(Self.losses != .standard && Self.losses["capped"] != nil && PreferenceLosses.standard["capped"] == nil)
    }

    @Test("The options of all parts are keys, each once, that read and write the settings of their part")
    func options() throws {
        var settings = Holder()
        let fields = Self.losses.fields(at: \Holder.settings)
        let keys = fields.map(\.key)
        #expect(keys.first == "label_smoothing" && keys.contains("cap") && keys.contains("focalpo.gamma"))
        #expect(Set(keys).count == keys.count)
        let cap = try #require(fields.first { $0.key == "cap" })
        #expect(ConfigurationWriter.inline(cap.write(settings)) == "3.0")
        #expect(cap.read(&settings, ConfigurationNode(.scalar("2.5", isText: false))))
        #expect(!cap.read(&settings, ConfigurationNode(.scalar("-1", isText: false))))
        #expect(settings.settings[CapOptions.self].cap == 2.5)
        #expect(ConfigurationWriter.inline(cap.write(settings)) == "2.5")
        let loss = try #require(Self.losses["free"]).loss(beta: 1, settings.settings)
        #expect((loss.terms[0].link as? Capped)?.cap == 2.5)
    }

    @Test("Settings at their defaults are equal to none")
    func settings() {
        var settings = LossSettings()
        settings[CapOptions.self] = CapOptions()
        #expect(settings == LossSettings())
        settings[CapOptions.self].cap = 1
        #expect(settings != LossSettings() && LossSettings() != settings)
    }

    @Test("An option that the chosen loss does not read is refused, with the losses that do")
    func idle() throws {
        var choice = LossChoice(of: Self.losses)
        choice.settings[CapOptions.self].cap = 1
        #expect(
            throws: LossConflict(
                "cap", "has no meaning for loss_type sigmoid", "use capped or free, or leave it at 3.0")
        ) {
            try choice.loss()
        }
        choice.types = ["capped"]
        #expect(try (choice.loss().terms[0].link as? Capped)?.cap == 1)
        choice.types = ["sigmoid"]
        choice.link = "capped"
        #expect(try (choice.loss().terms[0].link as? Capped)?.cap == 1)
    }

    @Test(
        "Parts and options that do not go together are refused by their key",
        arguments: [
            ("{loss_type: d2po_decay, reduction: sum, d2po: {gamma: 0.3}}", "d2po.gamma"),
            ("{link: hinge, label_smoothing: 0.4}", "label_smoothing"),
            ("{loss_type: simpo, link: sigmoid, simpo_gamma: 7}", "simpo_gamma"),
            ("{loss_type: sft, beta: 0.2}", "beta"), ("{loss_type: spo, link: negation, beta: 0.2}", "beta"),
            ("{loss_type: ipo, spo: {degrees: 4}}", "spo.degrees"), ("loss_type: [spo, spo]", "loss_type"),
            ("{loss_type: sft, rpo_alpha: 0.5, beta: 0.2}", "beta"),
            ("{loss_type: [sft, hinge], label_smoothing: 0.1}", "label_smoothing"),
            ("{loss_type: sft, ld_alpha: 0.5}", "ld_alpha"),
            ("{loss_type: sft, f_divergence_type: forward_kl}", "f_divergence_type"),
            ("{f_divergence_type: js_divergence, f_alpha_divergence_coef: 0.7}", "f_alpha_divergence_coef"),
            ("{loss_type: nca_pair, f_divergence_type: forward_kl}", "f_divergence_type"),
            ("{loss_type: [sigmoid, sft], loss_weights: [0, 0]}", "loss_weights"),
            ("{loss_type: [sigmoid, sft], loss_weights: [1]}", "loss_weights"),
            ("{loss_type: [sigmoid, ipo], reduction: sampo}", "reduction"),
            ("loss_type: [sigmoid, sigmoid]", "loss_type"),
            ("{loss_type: multi_dpo, link: aot}", "link"),
            ("{loss_type: multi_dpo, link: bco_shift}", "link"),
            ("{loss_type: nca_pair, score: dpop}", "score"),
            ("{loss_type: mallows_theta, link: apo_zero}", "link"),
            ("link: orpo", "link"), ("{loss_type: orpo, reduction: sum}", "reduction"),
            ("{loss_type: orpo, score: log_ratio}", "score"),
            ("loss_type: exo_pair", "label_smoothing"),
            ("{loss_type: robust, label_smoothing: 0.5}", "label_smoothing"),
            ("{use_weighting: true, loss_type: aot}", "use_weighting"),
            ("weighting_alignment: false", "weighting_alignment"),
            ("{loss_type: sampo, ld_alpha: 0.5}", "ld_alpha"),
            ("hpo: {gamma: 0.5}", "hpo"),
        ])
    func conflicts(yaml: String, key: String) throws {
        var choice = LossChoice()
        var reader = ConfigurationReader(file: .none)
        try reader.read(&choice, from: try ConfigurationNode(yaml: yaml) { _ in .none }, block: "dpo")
        let conflict = #expect(throws: LossConflict.self) { try choice.loss() }
        #expect(conflict?.key == key, "\(conflict?.problem ?? "")")
    }

    @Test("A likelihood as score of a preference is weighed as the policy's numbers are")
    func likelihood() throws {
        var choice = LossChoice()
        choice.score = "likelihood"
        choice.settings[LengthDesensitization.self].alpha = 0.5
        #expect(try choice.loss().needs.tokenLogps)
    }

    @Test("Ranks over a step are the same whatever micro-batch asks, with equal scores in the pairs' order")
    func partners() {
        let scores = [(2.0, 1.0), (1, 5), (2, 3)].map {
            StepPairs.Scores(chosen: $0.0, rejected: $0.1, margin: $0.0 - $0.1)
        }
        let step = StepPairs(indices: [4, 7, 9], terms: [scores])
        #expect(step.partners.ofChosen == [3, 1, 5] && step.partners.ofRejected == [1, 2, 2])
        #expect(step.row(of: 7) == 1)
    }

    @Test("A loss needs what any of its parts needs, and the plain ones one reference and nothing else")
    func needs() throws {
        for name in ["sigmoid", "ipo", "ipo_sum", "hinge", "focalpo", "sampo_average", "apo_zero"] {
            #expect(try #require(PreferenceLosses.standard[name]).loss().needs == LossNeeds(references: 1))
        }
        #expect(try #require(Self.losses["free"]).loss().needs == LossNeeds(tokenLogps: true))
        #expect(Self.losses.mostReferences == 2)
    }

    @Test("Without a reference the policy's own numbers are scored and reported")
    func free() throws {
        let tokens = TokenLogps(Tensor([-1, -2, -0.5, -4] as [Double]).converted(to: .float32))
        let policy = PairLogps(tokens, responses: [0, 0, 1, 1], pairCount: 1)
        let loss = try #require(Self.losses["free"]).loss(beta: 0.5)
        let term = loss(PairBatch(policy: policy, references: []), stepWeights: [2])
        // Means of -1.5 and -2.25: the margin of 0.75 is below the cap.
        #expect(difference(term.value.item(), -0.75 / 2) < 1e-6)
        #expect(difference(term.metrics.report["rewards/chosen"] ?? .nan, -0.75) < 1e-6)
        #expect(difference(term.metrics.report["rewards/margins"] ?? .nan, 0.375) < 1e-6)
    }

    @Test("A loss divided by tokens reports its mean over tokens, and its rewards over pairs")
    func tokens() {
        let loss = PreferenceLoss(
            "by_token", beta: 1, reduction: Sum(), score: Alone(), link: Capped(CapOptions(), .tokens))
        let policy = PairLogps(
            TokenLogps(Tensor([-1, -2, -0.5, -4, -1] as [Float])), responses: [0, 0, 1, 2, 3], pairCount: 2)
        let term = loss(PairBatch(policy: policy, references: []), stepWeights: [10])
        // Margins of -2.5 and -3.
        #expect(difference(term.value.item(), 5.5 / 10) < 1e-6)
        #expect(difference(term.metrics.report["loss"] ?? .nan, 5.5 / 5) < 1e-6)
        #expect(difference(term.metrics.report["logps/chosen"] ?? .nan, -3.5) < 1e-6)
        #expect(LossDenominator.chosenTokens.weight(chosen: 2, rejected: 7) == 2)
    }

    @Test("What parts carry from step to step is laid side by side, and each sees its own")
    func state() {
        let loss = PreferenceLoss("counting", beta: 1, reduction: Sum(), score: Counting(), link: CountingLink())
        #expect(loss.initialState == [1, 10, 20] && loss.observationCount == 3)
        let policy = PairLogps(TokenLogps(Tensor([-1, -2] as [Float])), responses: [0, 1], pairCount: 1)
        let batch = PairBatch(policy: policy, references: [])
        let term = loss(batch, stepWeights: [1], state: [5, 6, 7])
        // The score adds its 5 to the margin of 1, the link its 6 and 7.
        #expect(term.value.item() == 19 && term.observations == [5, 6, 7])
        #expect(loss.state(after: [1, 2, 3], from: [5, 6, 7]) == [6, 8, 10])
        #expect(loss.scores(of: batch, state: [2, 0, 0]).isEmpty, "no part needs them")
    }
}

private struct Holder {
    var settings = LossSettings()
}

private struct CapOptions: LossOptions {
    var cap = 3.0

    static let fields = Field<Self>.list { Field("cap", \.cap, .greaterThan(0), "Where margins stop to count.") }
}

/// Less of the margin, up to a cap.
private struct Capped: Link {
    let cap: Double
    let denominator: LossDenominator

    init(_ options: CapOptions) { self.init(options, .pairs) }

    init(_ options: CapOptions, _ denominator: LossDenominator) { (cap, self.denominator) = (options.cap, denominator) }

    func callAsFunction(_ scores: PairScores, beta: Double, in batch: PairBatch) -> Tensor {
        (cap - scores.margin).relu() - cap
    }
}

/// The policy alone.
private struct Alone: PairScore {
    init(_: NoLossOptions) {}

    var needs: LossNeeds { LossNeeds(tokenLogps: true) }

    func callAsFunction(_ pairs: ReducedPairs) -> PairScores { PairScores(pairs.policy) }
}

private struct Counting: PairScore {
    init(_: NoLossOptions) {}

    var initialState: [Double] { [1] }
    var observationCount: Int { 1 }

    func callAsFunction(_ pairs: ReducedPairs) -> PairScores {
        let policy = pairs.policy
        return PairScores(policy, margin: policy.chosen - policy.rejected + pairs.batch.state[0])
    }

    func observations(of scores: PairScores, in batch: PairBatch) -> [Double] { batch.state }

    func state(after observations: [Double], from state: [Double]) -> [Double] { zip(observations, state).map(+) }
}

private struct CountingLink: Link {
    init(_: NoLossOptions) {}

    var initialState: [Double] { [10, 20] }
    var observationCount: Int { 2 }

    func callAsFunction(_ scores: PairScores, beta: Double, in batch: PairBatch) -> Tensor {
        scores.margin + batch.state[0] + batch.state[1]
    }

    func observations(of scores: PairScores, in batch: PairBatch) -> [Double] { batch.state }

    func state(after observations: [Double], from state: [Double]) -> [Double] { zip(observations, state).map(+) }
}

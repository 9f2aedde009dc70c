import Objectives
import Testing
import Torch

@Suite struct PreferenceLossTests {
    /// Four chosen and six rejected tokens; the values of every form were worked out apart from any code here.
    private static let golden: [(PreferenceLoss, Double)] = [
        (PreferenceLossForm.sigmoid.loss(beta: 0.1), 0.67825968),
        (PreferenceLossForm.sigmoid.loss(beta: 0.1, .labelSmoothing(0.1)), 0.68125968),
        (PreferenceLossForm.ipoSum.loss(beta: 0.1), 22.09),
        (PreferenceLossForm.ipo.loss(beta: 0.1), 24.5025),
        (PreferenceLossForm.hinge.loss(beta: 0.1), 0.97),
    ]

    @Test("the worked example gives the known losses, from token log-probabilities", arguments: 0..<golden.count)
    func workedExample(index: Int) {
        let (loss, expected) = Self.golden[index]
        let responses = [0, 0, 0, 0, 1, 1, 1, 1, 1, 1]
        let policy = PairLogps(
            TokenLogps(Tensor([-0.5, -1, -0.2, -2, -0.3, -1.5, -0.9, -0.6, -1.2, -0.4])), responses: responses,
            pairCount: 1)
        let reference = PairLogps(
            TokenLogps(Tensor([-0.7, -1.1, -0.4, -1.5, -0.4, -1, -0.8, -0.9, -1, -0.5])), responses: responses,
            pairCount: 1)
        let term = loss(PairBatch(policy: policy, references: [reference]), stepWeights: [1])
        #expect(difference(term.value.item(), expected) < 1e-6)
        let report = term.metrics.report
        #expect(abs((report["rewards/chosen"] ?? .nan) - 0) < 1e-6)
        #expect(abs((report["rewards/rejected"] ?? .nan) + 0.03) < 1e-6)
        #expect(abs((report["rewards/margins"] ?? .nan) - 0.03) < 1e-6)
        #expect(report["rewards/accuracies"] == 1)
        #expect(abs((report["logps/chosen"] ?? .nan) + 3.7) < 1e-6)
        #expect(abs((report["logps/rejected"] ?? .nan) + 4.9) < 1e-6)
    }

    @Test(
        "random pairs give the reference's losses and gradients", arguments: ["sigmoid", "ipo", "ipo_sum", "hinge"],
        [false, true])
    func randomPairs(name: String, smoothed: Bool) throws {
        if smoothed && name != "sigmoid" { return }
        let fixture = try Fixture.load().preferenceRandom
        let expected = try #require(fixture.losses[smoothed ? "label_smoothing" : name])
        let inputs = Inputs(["chosen": fixture.policyLogps.chosen, "rejected": fixture.policyLogps.rejected])
        let pairs = { (chosen: Tensor, rejected: Tensor) in
            PairLogps(
                chosen: chosen, rejected: rejected, chosenLengths: fixture.lengths.chosen,
                rejectedLengths: fixture.lengths.rejected)
        }
        let loss = try #require(PreferenceLosses.standard[name]).loss(
            beta: fixture.beta, .labelSmoothing(smoothed ? fixture.labelSmoothing : 0))
        let term = loss(
            PairBatch(
                policy: pairs(inputs["chosen"], inputs["rejected"]),
                references: [
                    pairs(Tensor(fixture.referenceLogps.chosen), Tensor(fixture.referenceLogps.rejected))
                ]), stepWeights: [fixture.lengths.chosen.count])
        term.value.backward()
        #expect(difference(term.value.item(), expected.loss) < 1e-5)
        #expect(difference(term.metrics.loss, expected.loss) < 1e-5)
        #expect(difference(inputs.gradient("chosen"), expected.chosenGradient) < 1e-5)
        #expect(difference(inputs.gradient("rejected"), expected.rejectedGradient) < 1e-5)
    }

    @Test(
        "two micro-batches add up to the whole in loss, gradient and metrics",
        arguments: ["sigmoid", "ipo", "ipo_sum", "hinge"])
    func microBatches(name: String) throws {
        var source = NumberSource(7)
        // Pairs of 1 to 5 tokens a side, token by token.
        let lengths = [3, 1, 5, 2, 4, 2, 1, 1, 2, 5]
        let responses = lengths.enumerated().flatMap { Array(repeating: $0.offset, count: $0.element) }
        let policy = source.list(responses.count, offset: -2)
        let reference = source.list(responses.count, offset: -2)
        let loss = try #require(PreferenceLosses.standard[name]).loss(beta: 0.3, .labelSmoothing(0.05))
        let run = { (parts: [Range<Int>]) -> (Double, [Double], DPOMetrics) in
            let inputs = Inputs(["logps": policy])
            var value = 0.0
            var metrics = DPOMetrics()
            for pairs in parts {
                let rows = responses.indices.filter { pairs.contains(responses[$0] / 2) }
                let own = rows.map { responses[$0] - 2 * pairs.lowerBound }
                let picked = inputs["logps"].selecting(Tensor(rows.map { Int64($0) }))
                let term = loss(
                    PairBatch(
                        policy: PairLogps(TokenLogps(picked), responses: own, pairCount: pairs.count),
                        references: [
                            PairLogps(
                                TokenLogps(Tensor(rows.map { reference[$0] }).converted(to: .float32)), responses: own,
                                pairCount: pairs.count)
                        ]), stepWeights: [5])
                term.value.backward()
                value += term.value.item()
                metrics.merge(term.metrics)
            }
            return (value, inputs.gradient("logps"), metrics)
        }
        let whole = run([0..<5])
        let parts = run([0..<1, 1..<4, 4..<5])
        #expect(difference(parts.0, whole.0) < 1e-6)
        #expect(difference(parts.1, whole.1) < 1e-6)
        #expect(difference(parts.2.sums, whole.2.sums) < 1e-6)
        #expect(whole.1.contains { abs($0) > 1e-3 })
    }

    @Test("statistics of tokens are reported over the responses they belong to")
    func statistics() {
        // Entropy, mean logit, most likely: one chosen token, then two rejected ones.
        let tokens = TokenLogps(
            logps: Tensor([-1, -2, -3] as [Float]),
            statistics: Tensor([0.5, -4, 1, 1, -6, 1, 3, -8, 0] as [Float], shape: [3, 3]))
        let policy = PairLogps(tokens, responses: [0, 1, 1], pairCount: 1)
        let report = PreferenceLossForm.sigmoid.loss()(
            PairBatch(policy: policy, references: [policy]), stepWeights: [1]
        ).metrics.report
        #expect(report["logits/chosen"] == -4 && report["logits/rejected"] == -7)
        #expect(report["entropy"] == 1.5 && report["mean_token_accuracy"] == 1)
        #expect(policy.chosenLengths == [1] && policy.rejectedLengths == [2])
    }

    @Test("an empty micro-batch gives nothing, and no pairs give no report")
    func empty() {
        let none = PairLogps(TokenLogps(.zeros([0])), responses: [], pairCount: 0)
        let term = PreferenceLossForm.sigmoid.loss()(PairBatch(policy: none, references: [none]), stepWeights: [4])
        #expect(term.value.item() == 0)
        #expect(term.metrics == DPOMetrics())
        #expect(term.metrics.report.isEmpty)
    }
}

extension LossSettings {
    /// With this share of labels taken to be wrong.
    fileprivate static func labelSmoothing(_ share: Double) -> LossSettings {
        var settings = LossSettings()
        settings[LabelSmoothing.self].labelSmoothing = share
        return settings
    }
}

@Suite struct BradleyTerryLossTests {
    @Test("random scores give the reference's losses, metrics and gradients")
    func randomScores() throws {
        let fixture = try Fixture.load().bradleyTerry
        let inputs = Inputs(["chosen": fixture.chosenRewards, "rejected": fixture.rejectedRewards])
        let count = fixture.chosenRewards.count
        let plain = BradleyTerryLoss()(
            chosen: inputs["chosen"].detached(), rejected: inputs["rejected"].detached(), globalPairs: count)
        #expect(difference(plain.value.item(), fixture.lossWithoutCentering) < 1e-5)
        let centred = BradleyTerryLoss(centeringCoefficient: fixture.centerRewardsCoefficient)(
            chosen: inputs["chosen"], rejected: inputs["rejected"], globalPairs: count)
        centred.value.backward()
        #expect(difference(centred.value.item(), fixture.loss) < 1e-5)
        #expect(difference(inputs.gradient("chosen"), fixture.chosenGradient) < 1e-5)
        #expect(difference(inputs.gradient("rejected"), fixture.rejectedGradient) < 1e-5)
        let all = fixture.chosenRewards + fixture.rejectedRewards
        let report = centred.metrics.report
        #expect(report["accuracy"] == fixture.accuracy)
        #expect(difference(report["margin"] ?? .nan, fixture.margin) < 1e-5)
        #expect(difference(report["mean_reward"] ?? .nan, all.reduce(0, +) / Double(all.count)) < 1e-5)
        #expect(difference(report["min_reward"] ?? .nan, all.min() ?? .nan) < 1e-6)
        #expect(difference(report["max_reward"] ?? .nan, all.max() ?? .nan) < 1e-6)
    }

    @Test("two micro-batches add up to the whole in loss, gradient and metrics, extremes included")
    func microBatches() {
        var source = NumberSource(3)
        let (chosen, rejected) = (source.list(6, scale: 3), source.list(6, scale: 3))
        let run = { (parts: [Range<Int>]) -> (Double, [Double], BradleyTerryMetrics) in
            let inputs = Inputs(["chosen": chosen, "rejected": rejected])
            var value = 0.0
            var metrics = BradleyTerryMetrics()
            for part in parts {
                let term = BradleyTerryLoss(centeringCoefficient: 0.1)(
                    chosen: inputs["chosen"].narrowed(0, part), rejected: inputs["rejected"].narrowed(0, part),
                    globalPairs: 6)
                term.value.backward()
                value += term.value.item()
                metrics.merge(term.metrics)
            }
            return (value, inputs.gradient("chosen") + inputs.gradient("rejected"), metrics)
        }
        let (whole, parts) = (run([0..<6]), run([0..<2, 2..<2, 2..<6]))
        #expect(difference(parts.0, whole.0) < 1e-6)
        #expect(difference(parts.1, whole.1) < 1e-6)
        #expect(difference(parts.2.sums, whole.2.sums) < 1e-6)
        #expect(parts.2.maxima == whole.2.maxima)
    }
}

@Suite struct SupervisedLossTests {
    @Test("the loss is minus the mean log-probability over the step's tokens, whatever the micro-batches")
    func meanOverTokens() {
        let logps = [-0.5, -2, -0.25, -1, -3]
        let inputs = Inputs(["logps": logps])
        var value = 0.0
        var metrics = SupervisedMetrics()
        for part in [0..<2, 2..<5] {
            let tokens = TokenLogps(
                logps: inputs["logps"].narrowed(0, part),
                statistics: Tensor(part.flatMap { [Float($0), 9, $0 == 1 ? 1 : 0] }, shape: [part.count, 3]))
            let term = SupervisedLoss()(tokens, globalTokens: 5)
            term.value.backward()
            value += term.value.item()
            metrics.merge(term.metrics)
        }
        #expect(difference(value, 6.75 / 5) < 1e-6)
        #expect(inputs.gradient("logps").allSatisfy { abs($0 + 0.2) < 1e-7 })
        #expect(metrics.report == ["loss": 1.35, "entropy": 2, "mean_token_accuracy": 0.2])
    }
}

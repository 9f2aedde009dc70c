import Foundation
import Objectives
import Testing
import Torch

@Suite struct PPOPolicyLossTests {
    @Test("random batches give the reference's loss, gradient and metrics", arguments: 0..<3, [false, true])
    func randomBatches(index: Int, weighted: Bool) throws {
        let fixture = try Fixture.load().ppo[index]
        let expected = weighted ? fixture.policyWithBehaviourWeights : fixture.policy
        let inputs = Inputs(["logps": fixture.newLogps])
        let old = Tensor(fixture.oldLogps)
        let count = fixture.newLogps.count
        let weights = BehaviourWeights()(
            oldLogps: old, sampledLogps: Tensor(fixture.sampledLogps), responses: [Int](repeating: 0, count: count))
        #expect(difference(weights.doubles(), fixture.behaviourWeights) < 1e-6)
        let term = PolicyLoss(Clip(low: fixture.clipRange))(
            TokenLogps(inputs["logps"]), oldLogps: old, advantages: Tensor(fixture.advantages),
            behaviourWeights: weighted ? weights : nil, globalTokens: fixture.newLogps.count)
        term.value.backward()
        #expect(difference(term.value.item(), expected.loss) < 1e-5)
        #expect(difference(inputs.gradient("logps"), expected.gradient) < 1e-5)
        let report = term.metrics.report
        #expect(difference(report["policy/clipfrac_avg"] ?? .nan, expected.clipFraction) < 1e-9)
        #expect(difference(report["policy/approxkl_avg"] ?? .nan, expected.approxKlK2) < 1e-5)
        #expect(difference(report["val/ratio"] ?? .nan, expected.meanRatio) < 1e-5)
        let ratios = zip(fixture.newLogps, fixture.oldLogps).map { exp($0 - $1) }
        let mean = ratios.reduce(0, +) / Double(ratios.count)
        let variance = ratios.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(ratios.count)
        #expect(difference(report["val/ratio_var"] ?? .nan, variance) < 1e-4)
        let meanWeight = fixture.behaviourWeights.reduce(0, +) / Double(ratios.count)
        #expect(difference(report["sampling/importance_sampling_ratio"] ?? .nan, weighted ? meanWeight : 1) < 1e-6)
    }

    @Test("before the first update the ratio is exactly 1, nothing is clipped and the loss is minus the mean advantage")
    func unchangedPolicy() {
        var source = NumberSource(11)
        let logps = source.list(50, scale: 4, offset: -5).map { Double(Float($0)) }
        let advantages = source.list(50)
        let term = PolicyLoss(Clip())(
            TokenLogps(Tensor(logps).converted(to: .float32)), oldLogps: Tensor(logps).converted(to: .float32),
            advantages: Tensor(advantages).converted(to: .float32), globalTokens: 50)
        let report = term.metrics.report
        #expect(report["val/ratio"] == 1 && report["val/ratio_var"] == 0)
        #expect(report["policy/clipfrac_avg"] == 0 && report["policy/approxkl_avg"] == 0)
        #expect(abs(term.value.item() + advantages.reduce(0, +) / 50) < 1e-6)
    }

    @Test("a clipped token gives no gradient where the clip binds, and full gradient where it does not")
    func clipping() {
        // Ratio e^0.5 twice, e^-0.5 twice; the clip binds where the step would go on in the advantage's direction.
        let inputs = Inputs(["logps": [-1, -1, -2, -2]])
        let term = PolicyLoss(Clip(low: 0.2))(
            TokenLogps(inputs["logps"]), oldLogps: Tensor([-1.5, -1.5, -1.5, -1.5] as [Float]),
            advantages: Tensor([1, -1, 1, -1] as [Float]), globalTokens: 4)
        term.value.backward()
        let (up, down) = (exp(0.5), exp(-0.5))
        #expect(difference(inputs.gradient("logps"), [0, up / 4, -down / 4, 0]) < 1e-6)
        #expect(term.metrics.clipped == 2)
    }

    @Test("a token that left the old policy altogether gives finite loss and gradient")
    func farToken() {
        let inputs = Inputs(["logps": [0, -1]])
        let term = PolicyLoss(Clip())(
            TokenLogps(inputs["logps"]), oldLogps: Tensor([-200, -1] as [Float]),
            advantages: Tensor([-1, 1] as [Float]), globalTokens: 2)
        term.value.backward()
        #expect(term.value.item().isFinite)
        #expect(inputs.gradient("logps").allSatisfy { $0.isFinite })
    }

    @Test("behaviour weights are exp(old - sampled), at most 2, and take no gradient")
    func behaviourWeights() {
        let inputs = Inputs(["old": [-1, -1, -1]])
        let weights = BehaviourWeights()(
            oldLogps: inputs["old"], sampledLogps: Tensor([-1, -5, -0.5] as [Float]), responses: [0, 0, 0])
        #expect(difference(weights.doubles(), [1, 2, exp(-0.5)]) < 1e-6)
        #expect(!weights.requiresGradient)
    }

    @Test("micro-batches of unequal token counts add up to the whole in loss, gradient and metrics")
    func microBatches() throws {
        let fixture = try Fixture.load().ppo[2]
        let count = fixture.newLogps.count
        let run = { (parts: [Range<Int>]) -> (Double, [Double], PolicyMetrics) in
            let inputs = Inputs(["logps": fixture.newLogps])
            var value = 0.0
            var metrics = PolicyMetrics()
            for part in parts {
                let term = PolicyLoss(Clip())(
                    TokenLogps(inputs["logps"].narrowed(0, part)), oldLogps: Tensor(Array(fixture.oldLogps[part])),
                    advantages: Tensor(Array(fixture.advantages[part])), globalTokens: count)
                term.value.backward()
                value += term.value.item()
                metrics.merge(term.metrics)
            }
            return (value, inputs.gradient("logps"), metrics)
        }
        let (whole, parts) = (run([0..<count]), run([0..<1, 1..<count - 3, count - 3..<count]))
        #expect(difference(parts.0, whole.0) < 1e-6)
        #expect(difference(parts.1, whole.1) < 1e-6)
        #expect(difference(parts.2.sums, whole.2.sums) < 1e-6)
    }
}

extension PolicyLoss {
    /// Of the tokens of one response.
    fileprivate func callAsFunction(
        _ tokens: TokenLogps, oldLogps: Tensor, advantages: Tensor, behaviourWeights: Tensor? = nil, globalTokens: Int
    ) -> LossTerm<PolicyMetrics> {
        self(
            PolicyBatch(
                tokens: tokens, responses: [Int](repeating: 0, count: tokens.logps.count), responseCount: 1,
                oldLogps: oldLogps, advantages: advantages, behaviourWeights: behaviourWeights),
            of: PolicyCounts(tokens: globalTokens, responses: 1))
    }
}

@Suite struct PPOValueLossTests {
    @Test("random batches give the reference's loss, gradient and clip fraction", arguments: 0..<3)
    func randomBatches(index: Int) throws {
        let fixture = try Fixture.load().ppo[index]
        let inputs = Inputs(["values": fixture.newValues])
        let term = ClippedValueLoss(clipRange: fixture.clipRangeValue)(
            inputs["values"], oldValues: Tensor(fixture.oldValues), returns: Tensor(fixture.returns),
            globalTokens: fixture.newValues.count)
        term.value.backward()
        #expect(difference(term.value.item(), fixture.value.loss) < 1e-5)
        #expect(difference(inputs.gradient("values"), fixture.value.gradient) < 1e-5)
        #expect(difference(term.metrics.report["val/clipfrac_avg"] ?? .nan, fixture.value.clipFraction) < 1e-9)
    }

    @Test("explained variance is 1 for the returns themselves and 0 for their mean")
    func explainedVariance() {
        let returns = Tensor([1, 2, 3, 6] as [Float])
        let explained = { (values: [Float]) in
            ClippedValueLoss()(Tensor(values), oldValues: Tensor(values), returns: returns, globalTokens: 4)
                .metrics.report["val/explained_var"]
        }
        #expect(explained([1, 2, 3, 6]) == 1)
        #expect(abs((explained([3, 3, 3, 3]) ?? .nan)) < 1e-9)
    }
}

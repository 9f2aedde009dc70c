import Objectives
import Testing
import Torch

@Suite("Losses of answers with a label")
struct UnpairedLossTests {
    private let batch: UnpairedBatch

    init() {
        let statistics: [Double] = [1, 2, 0, 3, 4, 1, 5, 6, 0, 7, 8, 1]
        batch = UnpairedBatch(
            logps: doubles([-3, -5, -8]), referenceLogps: doubles([-4, -4, -6]), isDesirable: [true, false, true],
            tokens: (Tensor(statistics, shape: [4, 3]), [0, 0, 1, 2]))
    }

    @Test("Weights are of labels, and a micro-batch's share is of the whole step's answers")
    func weights() {
        let plain = UnpairedLoss(.kto, beta: 0.5).losses(batch, divergence: 0.25).doubles()
        let loss = UnpairedLoss(.kto, beta: 0.5, desirableWeight: 2, undesirableWeight: 3)
        let weighted = loss.losses(batch, divergence: 0.25).doubles()
        let factors: [Double] = [2, 3, 2]
        for index in 0..<3 { #expect(abs(weighted[index] - factors[index] * plain[index]) < 1e-12) }
        let share = loss(batch, divergence: 0.25, globalAnswers: 12).value.item()
        let sum = weighted.reduce(0, +)
        #expect(abs(share - sum / 12) < 1e-12)
    }

    @Test("Without a divergence KTO is APO-zero, which takes none")
    func apoZero() {
        let apo = UnpairedLoss(.apoZeroUnpaired).losses(batch, divergence: 7).doubles()
        #expect(UnpairedLoss(.kto).losses(batch, divergence: 0).doubles() == apo)
        #expect(UnpairedLoss(.kto).losses(batch, divergence: 7).doubles() != apo)
        #expect(UnpairedLoss(.apoZeroUnpaired)(batch, divergence: 7, globalAnswers: 3).metrics.report["kl"] == 0)
    }

    @Test("A divergence is never below 0, and one that is no number stays none")
    func divergence() {
        #expect(MismatchedDivergence.estimate([1, 2, -0.5, 0.5]) == 0.75)
        #expect(MismatchedDivergence.estimate([1, -3]) == 0)
        #expect(MismatchedDivergence.estimate([1, .nan]).isNaN)
    }

    @Test(
        "Metrics are means over the answers of a label and their tokens; those of a label that is not there are left out"
    )
    func metrics() {
        let report = UnpairedLoss(.kto, beta: 0.5)(batch, divergence: 0.25, globalAnswers: 3).metrics.report
        let expected: [String: Double] = [
            "kl": 0.25, "entropy": 4, "rewards/chosen": -0.25, "rewards/rejected": -0.5, "rewards/margins": 0.25,
            "logps/chosen": -5.5, "logps/rejected": -5, "logits/chosen": 14.0 / 3, "logits/rejected": 6,
        ]
        for (name, value) in expected { #expect(report[name] == value, "\(name)") }
        #expect(Set(report.keys) == Set(expected.keys).union(["loss"]))
        let desirable = UnpairedBatch(logps: doubles([-3]), referenceLogps: doubles([-4]), isDesirable: [true])
        let names = Set(UnpairedLoss()(desirable, divergence: 0.25, globalAnswers: 1).metrics.report.keys)
        #expect(names == ["loss", "kl", "rewards/chosen", "logps/chosen"])
        #expect(UnpairedMetrics().report.isEmpty)
    }
}

private func doubles(_ numbers: [Double]) -> Tensor { Tensor(numbers) }

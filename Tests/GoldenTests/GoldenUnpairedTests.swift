import Configuration
import JSON
import Objectives
import Testing
import Torch

@Suite("Golden losses of answers with a label")
struct GoldenUnpairedTests {
    static let ids: Set<String> = ["kto", "apo_zero_unpaired"]

    @Test(
        "Each loss, its divergence, and its gradient of every token are what its formula gives", arguments: ids.sorted()
    )
    func losses(id: String) throws {
        let entry = try #require(GoldenFile.standard[id])
        let kind = try #require(UnpairedLoss.Kind(rawValue: id))
        let weight = { (key: String) in entry.params[key]?.double ?? 1 }
        let loss = UnpairedLoss(
            kind, beta: entry.number("beta"), desirableWeight: weight("desirable"),
            undesirableWeight: weight("undesirable"))
        var divergence = 0.0
        if loss.needsDivergence {
            let sums = { (key: String) in GoldenFile.standard.inputs["kl"]?[key]?.numbers ?? [] }
            divergence = MismatchedDivergence.estimate(zip(sums("kl_logps"), sums("kl_ref_logps")).map { $0 - $1 })
            #expect(distance([divergence], entry.expected["kl"]?.numbers ?? []) < 1e-9)
        }
        let pairs = try #require(GoldenFile.standard.inputs["pairs"]?.elements)
        let answers = ["chosen", "rejected"].flatMap { side in pairs.map { $0[side] ?? .null } }
        let (policy, group) = try leaves(answers.flatMap { $0["logps"]?.numbers ?? [] })
        let owners = answers.enumerated().flatMap { index, answer in
            [Int](repeating: index, count: answer["logps"]?.numbers.count ?? 0)
        }
        let batch = UnpairedBatch(
            TokenLogps(logps: policy, statistics: .zeros([owners.count, 3])), answers: owners,
            referenceLogps: Tensor(answers.map { ($0["ref_logps"]?.numbers ?? []).reduce(0, +) }),
            isDesirable: answers.indices.map { $0 < pairs.count })
        #expect(
            distance(loss.losses(batch, divergence: divergence).doubles(), entry.expected["losses"]?.numbers ?? [])
                < 1e-9)
        let term = loss(batch, divergence: divergence, globalAnswers: answers.count)
        #expect(distance([term.value.item()], entry.expected["loss"]?.numbers ?? []) < 1e-9)
        #expect(distance([term.metrics.report["loss"] ?? .nan], entry.expected["loss"]?.numbers ?? []) < 1e-9)
        term.value.backward()
        let gradient = Array((group.gradients?.doubles() ?? []).prefix(owners.count))
        let expected = ["grad_chosen", "grad_rejected"].flatMap { entry.expected[$0]?.numbers ?? [] }
        #expect(distance(gradient, expected) < 1e-9)
    }

    private func leaves(_ numbers: [Double]) throws -> (Tensor, ParameterGroup) {
        let group = ParameterGroup(
            "golden", [ParameterGroup.Declaration(name: "logps", shape: [numbers.count], decays: false)],
            trainable: true, .float64)
        withoutGradients { group["logps"].copy(from: Tensor(numbers)) }
        return (group["logps"], group)
    }
}

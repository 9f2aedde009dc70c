import Objectives
import Testing
import Torch

@Suite("Losses whose distribution the policy draws")
struct OwnDistributionTests {
    /// Who draws what, as SAIL's modes have it.
    enum Mode: CaseIterable {
        case rewardLabels, ownLabels, dataResponses

        var origin: PairOrigin {
            switch self {
            case .rewardLabels: PairOrigin(drawsResponses: true)
            case .ownLabels: PairOrigin(drawsResponses: true, drawsLabel: true)
            case .dataResponses: PairOrigin(drawsLabel: true)
            }
        }
    }

    private static let logits = [0.4, -0.7, 1.1, 0.2]
    private static let reference = [-1.0, -1.7, -1.3, -1.6]
    private static let rewards = [0.3, 1.2, -0.5, 0.9]
    private static let beta = 0.7

    @Test("At ρ 1 the gradient is that of the enumerated objective, at ρ 0 DPO's", arguments: Mode.allCases)
    func enumerated(mode: Mode) throws {
        let objective = gradient { policy, pairs in
            let likelihoods = policy.likelihoods(of: pairs)
            return -(policy.probabilities(of: pairs, mode) * likelihoods).sum()
        }
        let exact = gradient { surrogate($0, $1, mode, rho: 1) }
        #expect(zip(exact, objective).allSatisfy { abs($0 - $1) < 1e-12 }, "\(exact), \(objective)")

        let offline = gradient { policy, pairs in
            -(policy.probabilities(of: pairs, mode).detached() * policy.likelihoods(of: pairs)).sum()
        }
        let plain = gradient { surrogate($0, $1, mode, rho: 0) }
        #expect(zip(plain, offline).allSatisfy { abs($0 - $1) < 1e-12 }, "\(plain), \(offline)")
        // What lies between is what the term is for.
        #expect(zip(plain, objective).contains { abs($0 - $1) > 1e-2 })
        let half = gradient { surrogate($0, $1, mode, rho: 0.5) }
        #expect(zip(half, zip(plain, exact)).allSatisfy { abs($0 - ($1.0 + $1.1) / 2) < 1e-12 })
    }

    /// Two responses, the first of which is labelled the better.
    private struct Labelled {
        let chosen: Int
        let rejected: Int
    }

    /// A softmax over a few responses of one token each, in float64.
    private struct Policy {
        let logps: Tensor

        func of(_ responses: [Int]) -> Tensor { logps.selecting(Tensor(responses.map { Int64($0) })) }

        /// `log σ(β h)`.
        func likelihoods(of pairs: [Labelled]) -> Tensor {
            let frozen = Tensor(pairs.map { reference[$0.chosen] - reference[$0.rejected] })
            return ((of(pairs.map(\.chosen)) - of(pairs.map(\.rejected)) - frozen) * beta).logSigmoid()
        }

        /// How likely each pair is drawn and labelled so.
        func probabilities(of pairs: [Labelled], _ mode: Mode) -> Tensor {
            let origin = mode.origin
            let drawn = of(pairs.map(\.chosen)) + of(pairs.map(\.rejected))
            let chances = origin.drawsResponses ? drawn.exp() : Tensor(pairs.map { chance(of: $0) })
            let labels =
                origin.drawsLabel
                ? likelihoods(of: pairs).exp()
                : Tensor(pairs.map { rewards[$0.chosen] - rewards[$0.rejected] }).sigmoid()
            return chances * labels
        }

        /// Of the data's pairs, whose order says nothing.
        private func chance(of pair: Labelled) -> Double { 0.02 + 0.01 * Double(pair.chosen + pair.rejected) }
    }

    /// The expectation of the trainer's loss over all pairs and labels, whose chances have no gradient.
    private func surrogate(_ policy: Policy, _ pairs: [Labelled], _ mode: Mode, rho: Double) -> Tensor {
        var options = OwnDistributionOptions()
        options.rho = rho
        var columns = PairBatch.Columns()
        columns.origins = pairs.map { _ in mode.origin }
        let ones = pairs.map { _ in 1 }
        let frozen = { (side: KeyPath<Labelled, Int>) in Tensor(pairs.map { Self.reference[$0[keyPath: side]] }) }
        let batch = PairBatch(
            policy: PairLogps(
                chosen: policy.of(pairs.map(\.chosen)), rejected: policy.of(pairs.map(\.rejected)), chosenLengths: ones,
                rejectedLengths: ones),
            references: [
                PairLogps(
                    chosen: frozen(\.chosen), rejected: frozen(\.rejected), chosenLengths: ones, rejectedLengths: ones)
            ],
            columns: columns)
        let loss = PreferenceLoss(
            "sail", beta: Self.beta,
            [PreferenceLoss.Term(reduction: Sum(), score: LogRatio(), link: OwnDistribution(options))],
            weighting: Chances(chances: policy.probabilities(of: pairs, mode).detached()))
        return loss(batch, stepWeights: [1]).value
    }

    private struct Chances: PairWeighting, @unchecked Sendable {
        let chances: Tensor
        var needs: LossNeeds { LossNeeds() }
        func callAsFunction(_ batch: PairBatch) -> Tensor { chances }
    }

    private func gradient(_ value: (Policy, [Labelled]) -> Tensor) -> [Double] {
        let count = Self.logits.count
        let group = ParameterGroup(
            "policy", [ParameterGroup.Declaration(name: "logits", shape: [count], decays: false)], trainable: true,
            .float64)
        withoutGradients { group["logits"].copy(from: Tensor(Self.logits)) }
        let pairs = (0..<count).flatMap { first in (0..<count).map { Labelled(chosen: first, rejected: $0) } }
        value(Policy(logps: group["logits"].logSoftmax(0)), pairs).backward()
        return Array((group.gradients?.doubles() ?? []).prefix(count))
    }
}

import Configuration
import Objectives
import Torch

// One file makes a loss: a reduction with an option of its own, in company with parts that are there.

extension PreferenceLossForm {
    /// DPO on log-ratios whose tokens count less the later they come.
    static let decayed = PreferenceLossForm("toy_decayed", Decay.self, LogRatio.self, Sigmoid.self)
}

/// `Σ_t γ^t log p_t`, t from 1.
struct Decay: Reduction {
    let rate: Double

    init(_ options: DecayOptions) { rate = options.rate }

    var needs: LossNeeds { LossNeeds(tokenLogps: true) }

    func callAsFunction(_ logps: PairLogps, in batch: PairBatch) -> PairNumbers {
        guard let tokens = logps.tokens else { preconditionFailure("no tokens") }
        var weights: [Float] = []
        for position in tokens.positions {
            weights.append(position == 1 ? Float(rate) : (weights.last ?? 0) * Float(rate))
        }
        return logps.sums(of: tokens.logps * Tensor(weights))
    }
}

struct DecayOptions: LossOptions {
    var rate = 0.98

    static let fields = Field<Self>.list {
        Field(
            "toy_rate", \.rate, .aboveZero(upTo: 1), "How much of its weight a token has left over the one before it.")
    }
}

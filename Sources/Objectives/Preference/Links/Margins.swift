import Configuration
import Torch

/// `-(1 - ε) log σ(β h - γ) - ε log σ(γ - β h)`: SimPO's sigmoid with a margin to be reached (arXiv 2405.14734), smoothed as
/// TRL's CPO trainer does.
package struct TargetMargin: Link {
    package static let name = "simpo"
    private let gamma: Double
    private var labelSmoothing = 0.0

    package var isOfMargin: Bool { true }

    package init(_ options: TargetMarginOptions) {
        gamma = options.gamma
    }

    package init(settings: LossSettings) {
        self.init(settings[TargetMarginOptions.self])
        labelSmoothing = settings[LabelSmoothing.self].labelSmoothing
    }

    package static var optionTypes: [any LossOptions.Type] { [TargetMarginOptions.self, LabelSmoothing.self] }

    package func callAsFunction(_ scores: PairScores, beta: Double, in batch: PairBatch) -> Tensor {
        let logits = scores.margin * beta - gamma
        let asLabelled = -logits.logSigmoid()
        if labelSmoothing == 0 { return asLabelled }
        return asLabelled * (1 - labelSmoothing) - (-logits).logSigmoid() * labelSmoothing
    }
}

/// TRL's `simpo_gamma`.
package struct TargetMarginOptions: LossOptions {
    /// γ, the margin itself and not γ/β.
    package var gamma = 0.5

    package init() {}

    package static let fields = Field<Self>.list {
        Field("simpo_gamma", \.gamma, .atLeast(0), "Margin by which simpo wants the chosen response ahead, β included.")
    }
}

/// `-log σ(β h + α (T_c - T_r))`: a longer winner needs less, for a share of its lead is its length (R-DPO, arXiv
/// 2403.19159).
package struct LengthPenalty: Link {
    package static let name = "r_dpo"
    private let alpha: Double

    package var isOfMargin: Bool { true }

    package init(_ options: LengthPenaltyOptions) { alpha = options.alpha }

    package func callAsFunction(_ scores: PairScores, beta: Double, in batch: PairBatch) -> Tensor {
        let differences = zip(batch.policy.chosenLengths, batch.policy.rejectedLengths).map { Double($0 - $1) * alpha }
        return -(scores.margin * beta + Tensor(differences).converted(to: scores.margin.type)).logSigmoid()
    }
}

/// The weight of length in R-DPO.
package struct LengthPenaltyOptions: LossOptions {
    package static let block: String? = "r_dpo"

    /// α.
    package var alpha = 0.01

    package init() {}

    package static let fields = Field<Self>.list {
        Field(
            "alpha", \.alpha, .atLeast(0),
            "What a token of difference in length counts against a difference of rewards.")
    }
}

/// `-β log σ(logit(p̄_c) - logit(p̄_r))`, `p̄ = e^{mean log p}` (the odds ratio of ORPO, arXiv 2403.07691, whose λ is β).
package struct OddsRatio: Link {
    package static let name = "orpo"

    package var isOfMeanLogps: Bool { true }

    package init(_: NoLossOptions) {}

    package func callAsFunction(_ scores: PairScores, beta: Double, in batch: PairBatch) -> Tensor {
        let logOdds = { (logps: Tensor) in logps - (1 - logps.exp()).log() }
        return (logOdds(scores.chosen) - logOdds(scores.rejected)).logSigmoid() * -beta
    }
}

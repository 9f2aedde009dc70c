/// What a preference loss reads beside sums of the policy's log-probabilities over responses.
package struct LossNeeds: Sendable, Equatable {
    /// Log-probabilities of each response token, under the policy and every reference.
    package var tokenLogps = false
    /// The policy's `log Σ_v p_v²` at each response token, without gradient.
    package var logSumSquares = false
    /// The entropy of each reference's distribution at each response token, in nats.
    package var referenceEntropies = false
    /// A number for each response token that is made of the pair's token ids alone.
    package var mask: TokenMask?
    /// How many frozen policies the pair is compared with.
    package var references = 0
    /// A reward of each response beside the preference.
    package var auxiliaryRewards = false
    /// Variants of both responses, which the policy is shown beside them; no log-probabilities are taken of their tokens.
    package var variants: ResponseVariants?
    /// A head that is trained beside the policy, and asked at the last token of every response and variant.
    package var head: LossHead?
    /// The scores of all pairs of the step; a pass without gradient gives them before the step's losses.
    package var wholeStep = false

    package init(
        tokenLogps: Bool = false, logSumSquares: Bool = false, referenceEntropies: Bool = false,
        mask: TokenMask? = nil, references: Int = 0, auxiliaryRewards: Bool = false,
        variants: ResponseVariants? = nil, head: LossHead? = nil, wholeStep: Bool = false
    ) {
        (self.tokenLogps, self.logSumSquares, self.referenceEntropies) = (tokenLogps, logSumSquares, referenceEntropies)
        (self.mask, self.references) = (mask, references)
        (self.auxiliaryRewards, self.wholeStep) = (auxiliaryRewards, wholeStep)
        (self.variants, self.head) = (variants, head)
    }

    /// Both needs together. Parts that ask for two masks, sets of variants or heads do not go together.
    package func union(_ other: LossNeeds) -> LossNeeds {
        precondition(mask == nil || other.mask == nil || mask == other.mask, "a loss with two masks")
        precondition(variants == nil || other.variants == nil || variants == other.variants, "a loss of two variants")
        precondition(head == nil || other.head == nil || head == other.head, "a loss with two heads")
        return LossNeeds(
            tokenLogps: tokenLogps || other.tokenLogps, logSumSquares: logSumSquares || other.logSumSquares,
            referenceEntropies: referenceEntropies || other.referenceEntropies, mask: mask ?? other.mask,
            references: max(references, other.references),
            auxiliaryRewards: auxiliaryRewards || other.auxiliaryRewards, variants: variants ?? other.variants,
            head: head ?? other.head, wholeStep: wholeStep || other.wholeStep)
    }
}

/// A linear layer on the policy's last hidden states, which a loss trains and no model that a stage leaves has.
package struct LossHead: Sendable, Equatable {
    /// What it tells.
    package let name: String
    /// Its width.
    package let outputs: Int

    package init(name: String, outputs: Int) { (self.name, self.outputs) = (name, outputs) }
}

/// What the sum of losses over an optimizer step is divided by.
package enum LossDenominator: Sendable, CaseIterable {
    /// The pairs of the step.
    case pairs
    /// The tokens of both responses.
    case tokens
    /// The tokens of the chosen responses.
    case chosenTokens
    /// The pairs of one kind.
    case preferences, demonstrations

    /// How much a pair with responses of so many tokens adds to it.
    package func weight(chosen: Int, rejected: Int, kind: PairKind = .preference) -> Int {
        switch self {
        case .pairs: 1
        case .tokens: chosen + rejected
        case .chosenTokens: chosen
        case .preferences: kind == .preference ? 1 : 0
        case .demonstrations: kind == .demonstration ? 1 : 0
        }
    }
}

/// Which terms a preference loss is made of, under a name.
package struct PreferenceLossForm: Sendable {
    /// The name that `loss_type` takes; TRL's where TRL has the loss.
    package let name: String
    /// Its terms; parts that are asked for by name take the place of those of the first.
    package let terms: [TermForm]

    /// The types of three parts, and what the term's losses are multiplied by.
    package struct TermForm: Sendable {
        package let reduction: LossPartForm<any Reduction>
        package let score: LossPartForm<any PairScore>
        package let link: LossPartForm<any Link>
        /// The types of the options that the term reads.
        package let optionTypes: [any LossOptions.Type]
        /// The type of the option that is the term's weight, if one is.
        let weightOptionType: (any LossOptions.Type)?
        fileprivate let weight: @Sendable (LossSettings) -> Double
        /// Whether the term is of the pair's preference, and not of a response alone.
        fileprivate let isOfPreference: Bool

        /// A term whose weight is an option.
        package init<R: Reduction, S: PairScore, L: Link, Options: LossOptions>(
            _: R.Type, _: S.Type, _: L.Type, weight: @escaping @Sendable (Options) -> Double
        ) {
            self.init(R.self, S.self, L.self, Options.self) { weight($0[Options.self]) }
        }

        /// A term that counts once.
        package init<R: Reduction, S: PairScore, L: Link>(_: R.Type, _: S.Type, _: L.Type) {
            self.init(R.self, S.self, L.self, nil) { _ in 1 }
        }

        private init<R: Reduction, S: PairScore, L: Link>(
            _: R.Type, _: S.Type, _: L.Type, _ weightOptionType: (any LossOptions.Type)?,
            _ weight: @escaping @Sendable (LossSettings) -> Double
        ) {
            (reduction, score, link) = (LossPartForm(R.self), LossPartForm(S.self), LossPartForm(L.self))
            optionTypes = R.optionTypes + S.optionTypes + L.optionTypes + [weightOptionType].compactMap(\.self)
            (self.weightOptionType, self.weight) = (weightOptionType, weight)
            isOfPreference = S.self != Likelihood.self
        }

        package func term(_ settings: LossSettings) -> PreferenceLoss.Term {
            PreferenceLoss.Term(
                reduction: reduction.make(settings), score: score.make(settings), link: link.make(settings),
                weight: weight(settings), isOfPreference: isOfPreference)
        }
    }

    package init(_ name: String, _ terms: TermForm...) { (self.name, self.terms) = (name, terms) }

    /// A loss of three parts.
    package init<R: Reduction, S: PairScore, L: Link>(_ name: String, _: R.Type, _: S.Type, _: L.Type) {
        self.init(name, TermForm(R.self, S.self, L.self))
    }

    /// The loss with these settings.
    package func loss(beta: Double = 0.1, _ settings: LossSettings = LossSettings()) -> PreferenceLoss {
        PreferenceLoss(name, beta: beta, terms.map { $0.term(settings) })
    }
}

/// A part of a loss before its options are known.
package struct LossPartForm<Part>: Sendable {
    package let name: String
    package let make: @Sendable (LossSettings) -> Part
}

extension LossPartForm where Part == any Reduction {
    package init<R: Reduction>(_: R.Type) {
        self.init(name: R.name) { R(settings: $0) }
    }
}

extension LossPartForm where Part == any PairScore {
    package init<S: PairScore>(_: S.Type) {
        self.init(name: S.name) { S(settings: $0) }
    }
}

extension LossPartForm where Part == any Link {
    package init<L: Link>(_: L.Type) {
        self.init(name: L.name) { L(settings: $0) }
    }
}

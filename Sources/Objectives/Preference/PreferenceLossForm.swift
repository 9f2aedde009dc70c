/// Which parts a preference loss is made of, under a name.
package struct PreferenceLossForm: Sendable {
    /// The name that `loss_type` takes; TRL's where TRL has the loss.
    package let name: String
    /// The types of its parts' options, each once.
    package let optionTypes: [any LossOptions.Type]
    private let make: @Sendable (_ beta: Double, LossSettings) -> PreferenceLoss

    /// A loss of three parts.
    package init<R: Reduction, S: PairScore, L: Link>(_ name: String, _: R.Type, _: S.Type, _: L.Type) {
        self.name = name
        var types: [any LossOptions.Type] = []
        for type in [R.Options.self, S.Options.self, L.Options.self] as [any LossOptions.Type] {
            if !types.contains(where: { $0 == type }) { types.append(type) }
        }
        optionTypes = types
        make = { beta, settings in
            PreferenceLoss(
                name, beta: beta, reduction: R(settings[R.Options.self]), score: S(settings[S.Options.self]),
                link: L(settings[L.Options.self]))
        }
    }

    /// The loss with these settings.
    package func loss(beta: Double = 0.1, _ settings: LossSettings = LossSettings()) -> PreferenceLoss {
        make(beta, settings)
    }
}

extension PreferenceLossForm {
    /// Direct preference optimisation: the log-ratios' difference through a sigmoid.
    package static let sigmoid = PreferenceLossForm("sigmoid", Sum.self, LogRatio.self, Sigmoid.self)
    /// IPO on log-ratios a token, as TRL has it.
    package static let ipo = PreferenceLossForm("ipo", Mean.self, LogRatio.self, IPO.self)
    /// IPO as in the paper's formula.
    package static let ipoSum = PreferenceLossForm("ipo_sum", Sum.self, LogRatio.self, IPO.self)
    /// SLiC's hinge on the log-ratios' difference.
    package static let hinge = PreferenceLossForm("hinge", Sum.self, LogRatio.self, Hinge.self)
}

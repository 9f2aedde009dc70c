extension PreferenceLosses {
    /// Those that come with the trainer; `README.md` beside this file says what each is for.
    package static let standard = PreferenceLosses(
        [
            .sigmoid, .ipo, .ipoSum, .hinge,
            // The papers around MPO.
            PreferenceLossForm("mallows_theta", Sum.self, MallowsDispersion.self, Sigmoid.self),
            PreferenceLossForm("mallows_phi", Sum.self, LogRatio.self, KendallLink.self),
            PreferenceLossForm("d2po_decay", TemporalDecay.self, LogRatio.self, Sigmoid.self),
            PreferenceLossForm("focalpo", Sum.self, LogRatio.self, Focal.self),
            PreferenceLossForm("minor_dpo", Sum.self, MinorLogRatio.self, Sigmoid.self),
            PreferenceLossForm("sampo", SampledTokens.self, LogRatio.self, Sigmoid.self),
            PreferenceLossForm("sampo_average", LengthBalancedSum.self, LogRatio.self, Sigmoid.self),
            PreferenceLossForm("bmc", BridgedTokens.self, LogRatio.self, Sigmoid.self),
            PreferenceLossForm("mrpo", Sum.self, MultipleReferences.self, Sigmoid.self),
            PreferenceLossForm("multi_dpo", Sum.self, SeparateReferences.self, Sigmoid.self),
            PreferenceLossForm("spin_linear", Sum.self, LogRatio.self, Linear.self),
            PreferenceLossForm(
                "spo", PreferenceLossForm.TermForm(Sum.self, LogRatio.self, Sigmoid.self),
                PreferenceLossForm.TermForm(Sum.self, Likelihood.self, KeywordDegrees.self) {
                    (options: KeywordDegreeOptions) in options.gamma
                }),
            // TRL's and other peers'.
            PreferenceLossForm("robust", Sum.self, LogRatio.self, Robust.self),
            PreferenceLossForm("exo_pair", Sum.self, LogRatio.self, ExactOptimization.self),
            PreferenceLossForm("nca_pair", Sum.self, LogRatio.self, NoiseContrastive.self),
            PreferenceLossForm("bco_pair", Sum.self, LogRatio.self, BinaryClassifier.self),
            PreferenceLossForm("bco_shift", Sum.self, LogRatio.self, ShiftedClassifier.self),
            PreferenceLossForm("sppo_hard", Sum.self, LogRatio.self, SelfPlay.self),
            PreferenceLossForm("aot", Sum.self, MarginsApart.self, SortedScores.self),
            PreferenceLossForm("aot_unpaired", Sum.self, LogRatio.self, SortedScores.self),
            PreferenceLossForm("apo_zero", Sum.self, LogRatio.self, AnchoredAtZero.self),
            PreferenceLossForm("apo_down", Sum.self, LogRatio.self, AnchoredDown.self),
            PreferenceLossForm("discopop", Sum.self, LogRatio.self, Discovered.self),
            PreferenceLossForm("sigmoid_norm", Mean.self, LogRatio.self, Sigmoid.self),
            PreferenceLossForm("dpop", Sum.self, PositiveLogRatio.self, Sigmoid.self),
            PreferenceLossForm("r_dpo", Sum.self, LogRatio.self, LengthPenalty.self),
            PreferenceLossForm("simpo", Mean.self, PolicyLogps.self, TargetMargin.self),
            PreferenceLossForm(
                "cpo", PreferenceLossForm.TermForm(Sum.self, PolicyLogps.self, Sigmoid.self), .likelihood { $0.alpha }),
            PreferenceLossForm(
                "orpo", PreferenceLossForm.TermForm(Mean.self, PolicyLogps.self, OddsRatio.self),
                PreferenceLossForm.TermForm(Sum.self, Likelihood.self, Negation.self)),
            PreferenceLossForm("sft", Sum.self, Likelihood.self, Negation.self),
        ],
        modifiers: [
            LengthDesensitization.self, FDivergenceOptions.self, ChosenLikelihood.self, PolicyWeighting.self,
            AuxiliaryLikelihood.self,
        ])
}

extension PreferenceLosses {
    /// Those of pairs that a policy draws on the way: all but what is made of a data set's text, with SAIL's term and
    /// AIHF's weights.
    package static let online = PreferenceLosses(
        standard.forms.filter { form in
            let needs = form.loss(beta: 1, LossSettings()).needs
            return needs.variants == nil && needs.head == nil
        },
        modifiers: standard.modifiers.filter { $0 != AuxiliaryLikelihood.self } + [
            OwnDistributionOptions.self, KindWeights.self,
        ])
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

extension PreferenceLossForm.TermForm {
    /// The chosen responses' next-token loss with a weight of its own.
    fileprivate static func likelihood(weight: @escaping @Sendable (ContrastiveOptions) -> Double) -> Self {
        Self(Sum.self, Likelihood.self, Negation.self, weight: weight)
    }
}

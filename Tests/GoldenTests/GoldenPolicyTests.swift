import JSON
import Objectives
import Testing
import Torch

@Suite("Golden policy gradients")
struct GoldenPolicyTests {
    static let ids: Set<String> = Set(rewardForms.keys).union(estimators.keys).union(lossForms.keys)
        .union(["kl_estimators", "gae", "adaptive_kl", "adv_rloo", "adv_reinforce_pp", "ppo_value", "tis"])

    // MARK: Rewards

    private typealias Reward = @Sendable (GoldenFile.Entry) -> any TokenReward

    private static let rewardForms: [String: Reward] = [
        "kl_shaping": { KLPenalizedReward(score: ScoreShaping(clip: $0.number("clip"))) },
        "kl_shaping_clamped": {
            KLPenalizedReward(estimator: .clampedK1, score: ScoreShaping(clip: $0.number("clip")))
        },
        "pm_rlhf": {
            PreferenceMatchingReward(
                threshold: $0.number("alpha"), score: ScoreShaping(clip: $0.number("clip")))
        },
    ]

    @Test("Rewards a token", arguments: rewardForms.keys.sorted())
    func rewards(id: String) throws {
        let entry = try #require(GoldenFile.standard[id])
        let reward = try #require(Self.rewardForms[id])
        let found = try rollouts().map { $0.rewards(reward(entry), coefficient: entry.number("beta")) }
        #expect(distance(found.flatMap(\.self), entry.expected["rewards"]?.numbers ?? []) < 1e-9)
    }

    @Test("Estimates of the divergence, and a coefficient that follows one")
    func divergence() throws {
        let entry = try #require(GoldenFile.standard["kl_estimators"])
        for estimator in [KLEstimator.k1, .k2, .k3] {
            let found = try rollouts().flatMap {
                estimator(logps: $0["old_logps"], referenceLogps: $0["ref_logps"])
            }
            #expect(distance(found, entry.expected[estimator.rawValue]?.numbers ?? []) < 1e-9, "\(estimator)")
        }
        let adaptive = try #require(GoldenFile.standard["adaptive_kl"])
        let rule = KLController.Rule.adaptive(target: adaptive.number("target"), horizon: adaptive.number("horizon"))
        var controller = KLController(adaptive.number("beta"), rule: rule)
        let all = try rollouts()
        let kl = all.reduce(0) { sum, rollout in
            sum + KLEstimator.k1(logps: rollout["old_logps"], referenceLogps: rollout["ref_logps"]).reduce(0, +)
        }
        controller.update(kl: kl / Double(all.count), responses: Int(adaptive.number("n")))
        #expect(distance([controller.coefficient], adaptive.expected["beta"]?.numbers ?? []) < 1e-9)
    }

    // MARK: Advantages

    private static let estimators: [String: any AdvantageEstimator] = [
        "adv_grpo": GroupAdvantage(), "adv_grpo_batch": GroupAdvantage(scale: .batch),
        "adv_dr_grpo": GroupAdvantage(scale: .none), "adv_reinforce_pp_baseline": GroupAdvantage(scale: .none),
    ]

    @Test("Advantages within groups, one a response", arguments: estimators.keys.sorted())
    func groups(id: String) throws {
        let entry = try #require(GoldenFile.standard[id])
        let estimator = try #require(Self.estimators[id])
        let estimates = try estimator(responses(of: rollouts()))
        var found = estimates.map(\.advantages)
        if id == "adv_reinforce_pp_baseline" {
            found = whitened(found)
        } else {
            found = found.map { [$0[0]] }
        }
        #expect(distance(found.flatMap(\.self), entry.expected["advantages"]?.numbers ?? []) < 1e-9)
    }

    @Test("Advantages against the others of a group, as they are and normalised")
    func leaveOneOut() throws {
        let entry = try #require(GoldenFile.standard["adv_rloo"])
        for (normalizes, key) in [(false, "advantages"), (true, "normalized")] {
            let found = try LeaveOneOut(normalizes: normalizes)(responses(of: rollouts())).map { $0.advantages[0] }
            #expect(distance(found, entry.expected[key]?.numbers ?? []) < 1e-9, "\(key)")
        }
    }

    @Test("Advantages by a critic, and by the rewards that follow; whitened over all tokens")
    func tokens() throws {
        let gae = try #require(GoldenFile.standard["gae"])
        let estimates = GeneralizedAdvantage(discount: gae.number("gamma"), lambda: gae.number("lam"))(
            try shaped(gae, coefficient: gae.number("beta")))
        #expect(distance(estimates.flatMap(\.advantages), gae.expected["advantages"]?.numbers ?? []) < 1e-9)
        #expect(distance(estimates.flatMap(\.returns), gae.expected["returns"]?.numbers ?? []) < 1e-9)
        let found = whitened(estimates.map(\.advantages)).flatMap(\.self)
        #expect(distance(found, gae.expected["whitened"]?.numbers ?? []) < 1e-9)

        let reinforce = try #require(GoldenFile.standard["adv_reinforce_pp"])
        let returns = RewardToGo()(try shaped(reinforce, coefficient: reinforce.number("beta"))).map(\.advantages)
        #expect(distance(returns.flatMap(\.self), reinforce.expected["returns"]?.numbers ?? []) < 1e-9)
        #expect(
            distance(whitened(returns).flatMap(\.self), reinforce.expected["advantages"]?.numbers ?? []) < 1e-9)
    }

    // MARK: Losses

    /// A loss, and what its advantages are of.
    private struct Form: Sendable {
        enum Source: Sendable { case critic, group(GroupAdvantage), leaveOneOut }
        let source: Source
        let loss: @Sendable (GoldenFile.Entry) -> PolicyLoss
    }

    private static let lossForms: [String: Form] = {
        let clip: @Sendable (GoldenFile.Entry) -> Clip = {
            Clip(low: $0.number("eps_low"), high: $0.number("eps_high"))
        }
        let group = Form.Source.group(GroupAdvantage())
        let form = { (source: Form.Source, loss: @escaping @Sendable (GoldenFile.Entry) -> PolicyLoss) in
            Form(source: source, loss: loss)
        }
        let token: @Sendable (GoldenFile.Entry, LossAggregation) -> PolicyLoss = {
            PolicyLoss(clip($0), aggregation: $1, klCoefficient: $0.number("beta"))
        }
        return [
            "ppo_policy": form(.critic) { PolicyLoss(Clip(low: $0.number("cliprange"))) },
            "apa": form(.critic) { PolicyLoss(SquaredAdvantage(coefficient: $0.number("c"))) },
            "awr": form(.critic) { PolicyLoss(ExponentialAdvantage(coefficient: $0.number("c"))) },
            "grpo": form(group) { token($0, .responses) },
            "bnpo": form(group) { token($0, .tokens) },
            "dr_grpo": form(.group(GroupAdvantage(scale: .none))) {
                token($0, .constant(Int($0.number("max_length"))))
            },
            "dapo": form(group) { token($0, .tokens) },
            "gspo": form(group) { PolicyLoss(clip($0), ratioLevel: .sequence, aggregation: .responses) },
            "cispo": form(group) { PolicyLoss(TruncatedWeight(cap: $0.number("eps_max"))) },
            "sapo": form(group) {
                PolicyLoss(
                    SoftGate(positive: $0.number("tau_pos"), negative: $0.number("tau_neg")), aggregation: .responses)
            },
            "rloo": form(.leaveOneOut) { PolicyLoss(clip($0), ratioLevel: .response, aggregation: .responses) },
        ]
    }()

    @Test("Each loss and its gradient of every token are what its formula gives", arguments: lossForms.keys.sorted())
    func losses(id: String) throws {
        let entry = try #require(GoldenFile.standard[id])
        let form = try #require(Self.lossForms[id])
        let all = try rollouts()
        let advantages: [[Double]]
        switch form.source {
        case .critic:
            // APA and AWR have no divergence in their rewards.
            let beta = entry.params["beta"]?.double ?? 0
            let estimator = GeneralizedAdvantage(discount: 1, lambda: entry.number("lam"))
            advantages = whitened(estimator(try shaped(entry, coefficient: beta)).map(\.advantages))
        case .group(let estimator): advantages = try estimator(responses(of: all)).map(\.advantages)
        case .leaveOneOut: advantages = try LeaveOneOut()(responses(of: all)).map(\.advantages)
        }
        let found = evaluate(form.loss(entry), all, advantages)
        let expected = entry.expected["policy_loss"] ?? entry.expected["loss"]
        #expect(distance([found.loss], expected?.numbers ?? []) < 1e-9)
        #expect(distance(found.gradient, entry.expected["grad_logps"]?.numbers ?? []) < 1e-9)
        #expect(distance([found.report["loss/policy_avg"] ?? .nan], expected?.numbers ?? []) < 1e-9)
        for (key, metric) in [("clipfrac", "policy/clipfrac_avg"), ("approx_kl", "policy/approxkl_avg")] {
            guard let expected = entry.expected[key]?.double else { continue }
            #expect(distance([found.report[metric] ?? .nan], [expected]) < 1e-6, "\(key)")
        }
    }

    @Test("The critic's loss and its gradient, of PPO, APA and AWR", arguments: ["ppo_value", "apa", "awr"])
    func values(id: String) throws {
        let entry = try #require(GoldenFile.standard[id])
        let estimator = GeneralizedAdvantage(discount: 1, lambda: entry.number("lam"))
        let estimates = estimator(try shaped(entry, coefficient: entry.params["beta"]?.double ?? 0))
        let all = try rollouts()
        let (values, group) = leaves(all.flatMap { $0["values"] })
        // Without a bound where the entry has none.
        let loss = ClippedValueLoss(clipRange: entry.params["cliprange_value"]?.double ?? 1e6)
        let term = loss(
            values, oldValues: Tensor(all.flatMap { $0["old_values"] }), returns: Tensor(estimates.flatMap(\.returns)),
            globalTokens: values.count)
        let weight = entry.params["vf_coef"]?.double ?? 1
        (term.value * weight).backward()
        let expected = entry.expected["value_loss"] ?? entry.expected["loss"]
        #expect(distance([term.value.item()], expected?.numbers ?? []) < 1e-9)
        let gradient = Array((group.gradients?.doubles() ?? []).prefix(values.count))
        #expect(distance(gradient, entry.expected["grad_values"]?.numbers ?? []) < 1e-9)
    }

    @Test("Weights of tokens that another policy drew, and a loss with them")
    func behaviour() throws {
        let entry = try #require(GoldenFile.standard["tis"])
        let all = try rollouts()
        let flat = { (key: String) in Tensor(all.flatMap { $0[key] }) }
        var truncated: Tensor?
        for mode in BehaviourWeights.Mode.allCases {
            let weights = BehaviourWeights(mode, cap: entry.number("C"))(
                oldLogps: flat("old_logps"), sampledLogps: flat("sampling_logps"), responses: owners(all))
            if mode == .tokenTruncate { truncated = weights }
            let isOne = mode == .sequenceMask || mode == .sequenceTruncate
            let expected = entry.expected[mode.rawValue]?.elements ?? []
            let found = isOne && expected.first?.elements == nil ? onePerResponse(weights, all) : weights.doubles()
            #expect(distance(found, expected.flatMap(\.numbers)) < 1e-9, "\(mode)")
        }
        let advantages = try GroupAdvantage()(responses(of: all)).map(\.advantages)
        let found = evaluate(PolicyLoss(Clip(), aggregation: .responses), all, advantages, truncated)
        #expect(distance([found.loss], entry.expected["loss"]?.numbers ?? []) < 1e-9)
        #expect(distance(found.gradient, entry.expected["grad_logps"]?.numbers ?? []) < 1e-9)
    }

    // MARK: What they read

    private struct GoldenRollout {
        let fields: JSON
        subscript(_ key: String) -> [Double] { fields[key]?.numbers ?? [] }
        var score: Double { fields["score"]?.double ?? .nan }
        var prompt: Int { fields["prompt"]?.integer ?? -1 }

        func rewards(_ reward: any TokenReward, coefficient: Double) -> [Double] {
            reward.rewards(
                score: score, endsWithEOS: true, logps: self["old_logps"], referenceLogps: self["ref_logps"],
                coefficient: coefficient)
        }
    }

    private func rollouts() throws -> [GoldenRollout] {
        try #require(GoldenFile.standard.inputs["rollouts"]?.elements).map(GoldenRollout.init)
    }

    /// With the score at the last token and no penalty.
    private func responses(of all: [GoldenRollout]) throws -> RewardedResponses {
        RewardedResponses(
            rewards: all.map { $0.rewards(KLPenalizedReward(), coefficient: 0) }, values: all.map { _ in [] },
            groups: all.map(\.prompt))
    }

    private func shaped(_ entry: GoldenFile.Entry, coefficient: Double) throws -> RewardedResponses {
        let all = try rollouts()
        let reward = KLPenalizedReward(score: ScoreShaping(clip: entry.number("clip")))
        return RewardedResponses(
            rewards: all.map { $0.rewards(reward, coefficient: coefficient) }, values: all.map { $0["old_values"] },
            groups: all.map(\.prompt))
    }

    private func whitened(_ advantages: [[Double]]) -> [[Double]] {
        let moments = Moments(advantages.joined())
        return advantages.map { Whitening()($0, moments: moments) }
    }

    private func owners(_ all: [GoldenRollout]) -> [Int] {
        all.enumerated().flatMap { [Int](repeating: $0, count: $1["logps"].count) }
    }

    private func onePerResponse(_ weights: Tensor, _ all: [GoldenRollout]) -> [Double] {
        var rest = weights.doubles()[...]
        return all.map { rollout in
            defer { rest = rest.dropFirst(rollout["logps"].count) }
            return rest.first ?? .nan
        }
    }

    private func leaves(_ numbers: [Double]) -> (Tensor, ParameterGroup) {
        let group = ParameterGroup(
            "golden", [ParameterGroup.Declaration(name: "x", shape: [numbers.count], decays: false)], trainable: true,
            .float64)
        withoutGradients { group["x"].copy(from: Tensor(numbers)) }
        return (group["x"], group)
    }

    private func evaluate(
        _ loss: PolicyLoss, _ all: [GoldenRollout], _ advantages: [[Double]], _ weights: Tensor? = nil
    ) -> (loss: Double, gradient: [Double], report: [String: Double]) {
        let (logps, group) = leaves(all.flatMap { $0["logps"] })
        let flat = { (key: String) in Tensor(all.flatMap { $0[key] }) }
        let batch = PolicyBatch(
            tokens: TokenLogps(logps: logps, statistics: .zeros([logps.count, 3])), responses: owners(all),
            responseCount: all.count, oldLogps: flat("old_logps"), advantages: Tensor(advantages.flatMap(\.self)),
            referenceLogps: flat("ref_logps"), behaviourWeights: weights)
        let term = loss(batch, of: batch.counts)
        term.value.backward()
        return (
            term.value.item(), Array((group.gradients?.doubles() ?? []).prefix(logps.count)), term.metrics.report
        )
    }
}

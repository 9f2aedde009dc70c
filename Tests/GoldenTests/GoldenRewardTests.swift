import JSON
import Objectives
import Testing
import Torch

@Suite("Golden losses of rewards and of diffusion")
struct GoldenRewardTests {
    static let ids: Set<String> = ["reward_bt", "aihf_reward", "aihf_reward_weighted", "rlp_mib", "diffusion_dpo"]

    @Test("The ranking loss of scores with its centring, and its gradient")
    func ranking() throws {
        let entry = try #require(GoldenFile.standard["reward_bt"])
        let pairs = try #require(GoldenFile.standard.inputs["reward_pairs"]?.elements)
        // Its margin is what the loss has none of.
        try #require(entry.number("margin") == 0)
        let last = { (key: String) in pairs.map { $0[key]?.numbers.last ?? .nan } }
        let (scores, group) = leaves([last("chosen_rewards"), last("rejected_rewards")])
        let term = BradleyTerryLoss(centeringCoefficient: entry.number("center"))(
            chosen: scores[0], rejected: scores[1], globalPairs: pairs.count)
        term.value.backward()
        try check(term.value, group, entry)
    }

    @Test(
        "The loss of token rewards from where responses part",
        arguments: ["aihf_reward", "aihf_reward_weighted"].filter { GoldenFile.standard[$0] != nil })
    func tokens(id: String) throws {
        let entry = try #require(GoldenFile.standard[id])
        let pairs = try #require(GoldenFile.standard.inputs["reward_pairs"]?.elements)
        let flat = { (key: String) in pairs.flatMap { $0[key]?.numbers ?? [] } }
        let (rewards, group) = leaves([flat("chosen_rewards"), flat("rejected_rewards")])
        let loss = TokenRankingLoss(
            preferenceWeight: entry.number("preference_weight"),
            demonstrationWeight: entry.number("demonstration_weight"))
        let spans = pairs.map { pair in
            TokenRankingLoss.Span(
                length: pair["chosen_rewards"]?.numbers.count ?? 0, divergence: pair["first_divergence"]?.integer ?? -1,
                kind: pair["kind"]?.text == "preference" ? .preference : .demonstration)
        }
        let value = loss(chosen: rewards[0], rejected: rewards[1], spans)
        value.backward()
        try check(value, group, entry)
        let alone = zip(pairs, spans).map { pair, span in
            TokenRankingLoss()(
                chosen: Tensor(pair["chosen_rewards"]?.numbers ?? []),
                rejected: Tensor(pair["rejected_rewards"]?.numbers ?? []), [span]
            ).item()
        }
        #expect(distance(alone, entry.expected["losses"]?.numbers ?? []) < 1e-9)
    }

    @Test("Where two responses part, and that equal ones have no loss")
    func spans() {
        let span = TokenRankingLoss.Span(chosen: [1, 2, 3], rejected: [1, 2, 4, 5, 6], kind: .demonstration)
        #expect(span == TokenRankingLoss.Span(length: 5, divergence: 2, kind: .demonstration))
        let equal = TokenRankingLoss.Span(chosen: [1, 2], rejected: [1, 2], kind: .preference)
        let rewards = Tensor([1.0, 2.0] as [Double])
        #expect(TokenRankingLoss()(chosen: rewards, rejected: rewards, [equal]).item() == 0)
    }

    @Test("The bottleneck of two views: its divergence, its information, and both")
    func views() throws {
        let entry = try #require(GoldenFile.standard["rlp_mib"])
        let inputs = try #require(GoldenFile.standard.inputs["mib"])
        let tensor = { (key: String) in Tensor(inputs[key]?.numbers ?? []) }
        let view = { (view: String) in
            MultiViewLoss.Gaussians(
                means: tensor("mu\(view)").unsqueezed(0), deviations: tensor("sigma\(view)").unsqueezed(0))
        }
        let (joint, marginal) = (tensor("critic_joint"), tensor("critic_marginal"))
        let found = [
            "symmetric_kl": MultiViewLoss.symmetricKL(view("1"), view("2")),
            "mutual_information": MultiViewLoss.mutualInformation(joint: joint, marginal: marginal),
            "loss": MultiViewLoss.loss(view("1"), view("2"), joint: joint, marginal: marginal),
        ]
        for (key, value) in found {
            #expect(distance([value.item()], entry.expected[key]?.numbers ?? []) < 1e-9, "\(key)")
        }
    }

    @Test("Diffusion-DPO's loss, and its gradient of both predictions")
    func diffusion() throws {
        let entry = try #require(GoldenFile.standard["diffusion_dpo"])
        let pairs = try #require(GoldenFile.standard.inputs["diffusion"]?.elements)
        let flat = { (key: String) in pairs.flatMap { $0[key]?.numbers ?? [] } }
        let shape = [pairs.count, flat("noise").count / pairs.count]
        let (predictions, group) = leaves([flat("pred_chosen"), flat("pred_rejected")])
        let fixed = { (key: String) in Tensor(flat(key), shape: shape) }
        let losses = DiffusionDPOLoss(beta: entry.number("beta"))(
            DiffusionDPOLoss.Predictions(
                chosen: predictions[0].reshaped(shape), rejected: predictions[1].reshaped(shape)),
            reference: DiffusionDPOLoss.Predictions(
                chosen: fixed("ref_pred_chosen"), rejected: fixed("ref_pred_rejected")),
            noise: fixed("noise"))
        losses.mean().backward()
        #expect(distance(losses.detached().doubles(), entry.expected["losses"]?.numbers ?? []) < 1e-9)
        try check(losses.mean(), group, entry)
    }

    /// Of two leaves, which are the chosen and the rejected side.
    private func check(_ value: Tensor, _ group: ParameterGroup, _ entry: GoldenFile.Entry) throws {
        #expect(distance([value.item()], entry.expected["loss"]?.numbers ?? []) < 1e-9)
        let gradients = try #require(group.gradients).doubles()
        for (entryOfGroup, side) in zip(group.entries, ["chosen", "rejected"]) {
            let found = Array(gradients[entryOfGroup.range])
            #expect(distance(found, entry.expected["grad_\(side)"]?.numbers ?? []) < 1e-9, "\(side)")
        }
    }

    private func leaves(_ sides: [[Double]]) -> ([Tensor], ParameterGroup) {
        let group = ParameterGroup(
            "golden",
            sides.indices.map {
                ParameterGroup.Declaration(name: String($0), shape: [sides[$0].count], decays: false)
            }, trainable: true, .float64)
        withoutGradients {
            for (index, numbers) in sides.enumerated() { group[String(index)].copy(from: Tensor(numbers)) }
        }
        return (sides.indices.map { group[String($0)] }, group)
    }
}

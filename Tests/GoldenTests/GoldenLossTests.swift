import Configuration
import JSON
import Objectives
import Testing
import Torch

@Suite("Golden losses")
struct GoldenLossTests {
    /// What a configuration says to get an entry's loss.
    static let configurations: [String: @Sendable (GoldenFile.Entry) -> String] = [
        "sigmoid": { _ in "loss_type: sigmoid" },
        "cdpo": { "label_smoothing: \($0.number("label_smoothing"))" },
        "ipo": { _ in "loss_type: ipo_sum" },
        "ipo_avg": { _ in "loss_type: ipo" },
        "hinge": { _ in "loss_type: hinge" },
        "robust": { "{loss_type: robust, label_smoothing: \($0.number("label_smoothing"))}" },
        "sigmoid_norm": { _ in "loss_type: sigmoid_norm" },
        "exo_pair": { "{loss_type: exo_pair, label_smoothing: \($0.number("label_smoothing"))}" },
        "nca_pair": { _ in "loss_type: nca_pair" },
        "bco_pair": { _ in "loss_type: bco_pair" },
        "bco_shift": { _ in "loss_type: bco_shift" },
        "sppo_hard": { _ in "loss_type: sppo_hard" },
        "aot": { "{loss_type: aot, label_smoothing: \($0.number("label_smoothing"))}" },
        "aot_unpaired": { _ in "loss_type: aot_unpaired" },
        "apo_zero": { _ in "loss_type: apo_zero" },
        "apo_down": { _ in "loss_type: apo_down" },
        "discopop": { "{loss_type: discopop, discopop_tau: \($0.number("tau"))}" },
        "sft": { _ in "loss_type: sft" },
        "sigmoid_sft": { "{loss_type: [sigmoid, sft], loss_weights: [1, \($0.number("alpha"))]}" },
        "rpo": { "rpo_alpha: \($0.number("alpha"))" },
        "mpo_multi": { "{loss_type: [sigmoid, bco_pair, sft], loss_weights: \($0.params["weights"]?.numbers ?? [])}" },
        "cpo": {
            "{loss_type: cpo, cpo_alpha: \($0.number("alpha")), label_smoothing: \($0.number("label_smoothing"))}"
        },
        "simpo": { "{loss_type: simpo, simpo_gamma: \($0.number("gamma"))}" },
        "orpo": { "{loss_type: orpo, beta: \($0.number("lam"))}" },
        "wpo": { _ in "use_weighting: true" },
        "wpo_plain": { _ in "{use_weighting: true, weighting_alignment: false}" },
        "ld_dpo": { "ld_alpha: \($0.number("alpha"))" },
        "r_dpo": { "{loss_type: r_dpo, r_dpo: {alpha: \($0.number("alpha"))}}" },
        "dpop": { "{loss_type: dpop, dpop: {lambda: \($0.number("lam"))}}" },
        "f_forward_kl": { _ in "f_divergence_type: forward_kl" },
        "f_js": { _ in "f_divergence_type: js_divergence" },
        "f_alpha": { "{f_divergence_type: alpha_divergence, f_alpha_divergence_coef: \($0.number("coef"))}" },
        "mallows_theta": { "{loss_type: mallows_theta, mallows: {dispersion: \($0.number("c"))}}" },
        "mallows_theta_ipo": { "{loss_type: mallows_theta, link: ipo, mallows: {dispersion: \($0.number("c"))}}" },
        "mallows_phi": {
            let (exponent, epsilon) = (Int($0.number("k")), $0.number("eps"))
            return
                "{loss_type: mallows_phi, mallows_phi: {dispersion: \($0.number("c")), exponent: \(exponent), epsilon: \(epsilon)}}"
        },
        "d2po_decay": { "{loss_type: d2po_decay, d2po: {gamma: \($0.number("gamma"))}}" },
        "focalpo": { "{loss_type: focalpo, focalpo: {gamma: \($0.number("gamma"))}}" },
        "focalpo_detached": { "{loss_type: focalpo, focalpo: {gamma: \($0.number("gamma")), detached: true}}" },
        "minor_dpo": { _ in "loss_type: minor_dpo" },
        "sampo": { _ in "loss_type: sampo" },
        "sampo_average": { _ in "loss_type: sampo_average" },
        "bmc": { "{loss_type: bmc, bmc: {delta: \($0.number("delta"))}}" },
        "mrpo": { "{loss_type: mrpo, mrpo: {epsilon: \($0.number("eps"))}}" },
        "mrpo_fixed": { "{loss_type: mrpo, mrpo: {epsilon: \($0.number("eps")), alpha: \($0.number("alpha"))}}" },
        "hpo": {
            let (gamma, tau, most) = ($0.number("gamma"), $0.number("tau"), $0.number("w_max"))
            return "hpo: {gamma: \(gamma), tau: \(tau), max_weight: \(most)}"
        },
        "spin": { _ in "loss_type: sigmoid" },
        "spin_linear": { _ in "loss_type: spin_linear" },
        "aihf_implicit": kindWeights, "aihf_implicit_weighted": kindWeights,
        "sail_dpr": { "sail_rho: \($0.number("rho"))" },
        "sail_dpp": { "sail_rho: \($0.number("rho"))" },
        "sail_ddp": { "sail_rho: \($0.number("rho"))" },
        "online_dpo_sum": { _ in "loss_type: sigmoid" },
        "multi_dpo": { "{loss_type: multi_dpo, mrpo: {epsilon: \($0.number("eps"))}}" },
    ]

    private static let kindWeights: @Sendable (GoldenFile.Entry) -> String = { entry in
        let weights = ["preference_weight", "demonstration_weight"].map { "\($0): \(entry.number($0))" }
        return "aihf: {\(weights.joined(separator: ", "))}"
    }

    private static let entries = GoldenFile.standard.entries(ofFamilies: ["offline", "online-pairs", "extreme"]).filter
    {
        configurations[$0.id] != nil
    }

    /// Where an entry's pairs come from, if it tells.
    private func origins(of entry: GoldenFile.Entry, _ count: Int) -> [PairOrigin]? {
        let all = { [PairOrigin](repeating: $0, count: count) }
        switch entry.id {
        case "sail_dpr": return all(PairOrigin(drawsResponses: true))
        case "sail_dpp": return all(PairOrigin(drawsResponses: true, drawsLabel: true))
        case "sail_ddp": return all(PairOrigin(drawsLabel: true))
        case "aihf_implicit", "aihf_implicit_weighted":
            return (0..<count).map { PairOrigin(kind: $0 < count / 2 ? .preference : .demonstration) }
        default: return nil
        }
    }

    @Test("Each loss, and its gradient of every token, is what its formula gives", arguments: entries)
    func losses(entry: GoldenFile.Entry) throws {
        let pairs = try #require(inputs(of: entry).elements)
        let loss = try loss(entry, pairs)
        let state = entry.id == "bco_shift" ? [entry.number("delta") / entry.number("beta"), 1] : nil
        let found = made(pairs, loss, entry).evaluate(loss, state: state, isSum: entry.id == "online_dpo_sum")
        #expect(distance([found.loss], [entry.expected["loss"]?.double ?? .nan]) < 1e-9, "loss \(found.loss)")
        #expect(distance(found.chosen, entry.expected["grad_chosen"]?.numbers ?? []) < 1e-9)
        #expect(distance(found.rejected, entry.expected["grad_rejected"]?.numbers ?? []) < 1e-9)
        guard !loss.needs.wholeStep, loss.denominators == [.pairs], let losses = entry.expected["losses"] else {
            return
        }
        let alone = pairs.indices.map { made(pairs, loss, entry, rows: [$0]).evaluate(loss, state: state).loss }
        #expect(distance(alone, losses.numbers) < 1e-9)
    }

    @Test("In float32 each is close to that, however far the ratios", arguments: entries)
    func singlePrecision(entry: GoldenFile.Entry) throws {
        let pairs = try #require(inputs(of: entry).elements)
        let loss = try loss(entry, pairs)
        let state = entry.id == "bco_shift" ? [entry.number("delta") / entry.number("beta"), 1] : nil
        let found = made(pairs, loss, entry, in: .float32).evaluate(
            loss, state: state, isSum: entry.id == "online_dpo_sum")
        // Sums of several hundred have a last digit of 3e-5.
        let bound = entry.family == "extreme" ? 1e-3 : 1e-5
        #expect(distance([found.loss], [entry.expected["loss"]?.double ?? .nan]) < bound, "loss \(found.loss)")
        #expect(distance(found.chosen, entry.expected["grad_chosen"]?.numbers ?? []) < bound)
        #expect(distance(found.rejected, entry.expected["grad_rejected"]?.numbers ?? []) < bound)
    }

    private func inputs(of entry: GoldenFile.Entry) -> JSON {
        GoldenFile.standard.inputs[entry.family == "extreme" ? "extreme_pairs" : "pairs"] ?? .null
    }

    private func made(
        _ pairs: [JSON], _ loss: PreferenceLoss, _ entry: GoldenFile.Entry, rows: [Int]? = nil,
        in placement: Placement = .float64
    ) -> GoldenPairs {
        GoldenPairs(
            pairs, rows: rows, origins: origins(of: entry, pairs.count),
            vocabularySize: GoldenFile.standard.vocabularySize, references: loss.needs.references,
            placement)
    }

    private func loss(_ entry: GoldenFile.Entry, _ pairs: [JSON]) throws -> PreferenceLoss {
        let configuration = try #require(Self.configurations[entry.id])
        let text = configuration(entry)
        var choice = LossChoice(of: origins(of: entry, 0) == nil ? .standard : .online)
        if let beta = entry.params["beta"]?.double { choice.beta = beta }
        var reader = ConfigurationReader(file: .none)
        try reader.read(&choice, from: try ConfigurationNode(yaml: text) { _ in .none }, block: "dpo")
        choice.settings[AuxiliaryLikelihood.self].isUsed = entry.id == "hpo"
        let loss = try choice.loss()
        guard entry.id == "sampo" else { return loss }
        // The file's draw in place of the trainer's.
        let draws = pairs.map { pair in ["sampo_chosen", "sampo_rejected"].map { pair[$0]?.integers ?? [] } }
        var terms = loss.terms
        terms[0].reduction = SampledTokens { response, _, _, batch in draws[batch.indices[response / 2]][response % 2] }
        return PreferenceLoss(loss.name, beta: loss.beta, terms)
    }
}

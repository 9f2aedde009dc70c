import JSON
import Objectives
import PreferenceData
import Stages
import Testing
import Torch

@Suite("Golden data steps and tables")
struct GoldenDataTests {
    static let ids: Set<String> = [
        "bmc_masks", "kendall_link_table", "expectile_value", "spo_keywords", "spo_degree_loss",
        "mpo_split", "d2po_confidence", "expert_iteration", "rlp_spg",
    ]

    @Test("Tokens by which responses differ are marked as difflib has it")
    func masks() throws {
        let entry = try #require(GoldenFile.standard["bmc_masks"])
        let pairs = try #require(GoldenFile.standard.inputs["bmc"]?.elements)
        for (pair, expected) in zip(pairs, try #require(entry.expected["masks"]?.elements)) {
            let tokens = { (key: String) in (pair[key]?.numbers ?? []).map { Int32($0) } }
            let stop = Set(tokens("stop"))
            let found = TokenMask.changes(chosen: tokens("chosen"), rejected: tokens("rejected")) { stop.contains($0) }
            #expect(found.chosen.map(Double.init) == expected["chosen"]?.numbers)
            #expect(found.rejected.map(Double.init) == expected["rejected"]?.numbers)
        }
    }

    @Test("MPO's split: the better answer is chosen, and the largest gaps come first on either side of gamma")
    func split() throws {
        let entry = try #require(GoldenFile.standard["mpo_split"])
        let input = try #require(GoldenFile.standard.inputs["split"])
        let scores = (input["scores"]?.elements ?? []).map(\.numbers)
        let pairs = zip(scores, try #require(entry.expected["chosen"]).integers).enumerated().map { index, pair in
            ScoredPair(index: index, chosenReward: pair.0[pair.1], rejectedReward: pair.0[1 - pair.1])
        }
        #expect(pairs.count == scores.count && pairs.allSatisfy { $0.isCorrect || $0.gap == 0 })
        #expect(distance(pairs.map(\.gap), entry.expected["gap"]?.numbers ?? []) < 1e-9)
        let gamma = try #require(input["threshold"]?.double)
        let parts = try GapSplit(.threshold(gamma), order: .easyToHard).split(pairs)
        #expect(parts.easy.map(\.index) == entry.expected["easy"]?.integers)
        #expect(parts.difficult.map(\.index) == entry.expected["difficult"]?.integers)
    }

    @Test("D2PO's discriminator: the larger score labels, and gold labels are asked for the closest pairs")
    func gold() throws {
        let entry = try #require(GoldenFile.standard["d2po_confidence"])
        let input = try #require(GoldenFile.standard.inputs["d2po"])
        let scores = (input["scores"]?.elements ?? []).map(\.numbers)
        let pairs = try scores.map { try #require(PairRule.bestWorst.pairs(ofScores: $0, confidence: 1).first) }
        #expect(pairs.map(\.chosen) == entry.expected["chosen"]?.integers)
        let gaps = zip(scores, pairs).map { $0[$1.chosen] - $0[$1.rejected] }
        #expect(distance(gaps, entry.expected["gap"]?.numbers ?? []) < 1e-9)
        let count = try #require(input["relabels"]?.integer)
        let asked = GoldChoice.confidence.asked(gaps: gaps, count: count, seed: 1, step: 0)
        #expect(asked == entry.expected["ask"]?.integers)
    }

    @Test("Expert iteration keeps each right text once a prompt")
    func expertIteration() throws {
        let entry = try #require(GoldenFile.standard["expert_iteration"])
        let samples = try #require(GoldenFile.standard.inputs["expert"]?["samples"]?.elements).map {
            ScoredSample(
                prompt: $0["prompt"]?.integer ?? -1, text: $0["text"]?.text ?? "", score: $0["reward"]?.double ?? .nan)
        }
        let found = CorrectSamples(samples, threshold: entry.number("threshold"))
        #expect(found.kept == entry.expected["kept"]?.integers)
        let good = samples.map { JSON.bool($0.score >= entry.number("threshold")) }
        #expect(good == entry.expected["rcrl_good"]?.elements)
        #expect(found.kept.count + found.duplicates == good.count { $0 == .bool(true) })
    }

    @Test("RLP's pair is the best of the samples that agree over one of the others")
    func selectivePairs() throws {
        let entry = try #require(GoldenFile.standard["rlp_spg"])
        let groups = try #require(GoldenFile.standard.inputs["spg"]?.elements)
        let expected = try #require(entry.expected["pairs"]?.elements)
        #expect(groups.count == expected.count && expected.contains { $0["accepted"] == .bool(true) })
        for (group, expected) in zip(groups, expected) {
            let agreeing = AgreeingSamples(group["cluster"]?.integers ?? [])
            #expect(agreeing.confidence == expected["confidence"]?.double)
            let pair = agreeing.pair(
                scores: group["score"]?.numbers ?? [], threshold: entry.number("threshold"),
                uniform: group["uniform"]?.double ?? .nan)
            #expect(.bool(pair != nil) == expected["accepted"])
            #expect(pair?.chosen == expected["chosen"]?.integer && pair?.rejected == expected["rejected"]?.integer)
        }
    }

    @Test("Kendall's link is the probability of a pair, bridged where it jumps")
    func kendall() throws {
        let entry = try #require(GoldenFile.standard["kendall_link_table"])
        let scores = Tensor([0.25, 0.5, 1, 2, 3, 7, -0.5, -3] as [Double])
        for q in try #require(entry.params["q"]).numbers {
            let expected = try #require(entry.expected["q=\(q)"]).numbers
            let logQ = Tensor([Double](repeating: q, count: 8)).log()
            let found = KendallLink.logProbability(scores, logQ: logQ, epsilon: 1).exp().doubles()
            #expect(distance(found, expected) < 1e-9, "q \(q)")
        }
    }

    @Test("An expectile's loss and its slopes")
    func expectile() throws {
        let entry = try #require(GoldenFile.standard["expectile_value"])
        let pairs = try #require(GoldenFile.standard.inputs["pairs"]?.elements)
        let column = { (key: String) in
            Tensor(pairs.flatMap { [$0["\(key)_chosen"]?.double ?? .nan, $0["\(key)_rejected"]?.double ?? .nan] })
        }
        let loss = ExpectileLoss(entry.number("kappa"))
        let (rewards, values) = (column("aux"), column("aux_value"))
        #expect(distance([loss(rewards, values).mean().item()], [entry.expected["loss"]?.double ?? .nan]) < 1e-9)
        let slopes = loss.slopes(rewards, values).doubles().map { $0 / Double(2 * pairs.count) }
        #expect(distance(slopes, entry.expected["grad_values"]?.numbers ?? []) < 1e-9)
    }

    @Test("A text's key phrases, and the text without more and more of them")
    func keywords() throws {
        let entry = try #require(GoldenFile.standard["spo_keywords"])
        let inputs = try #require(GoldenFile.standard.inputs["spo"])
        let text = try #require(inputs["text"]?.text)
        let stop = Set((inputs["stopwords"]?.elements ?? []).compactMap(\.text))
        let keywords = Keywords(of: text, isStopWord: stop.contains)
        #expect(keywords.phrases == entry.expected["keywords"]?.elements?.compactMap(\.text))
        #expect(distance(keywords.scores, entry.expected["scores"]?.numbers ?? []) < 1e-12)
        let degrees = try #require(inputs["degrees"]?.integer)
        let variants = ResponseVariants.variants(of: text, degrees: degrees, isStopWord: stop.contains)
        #expect([text] + variants == entry.expected["variants"]?.elements?.compactMap(\.text))
    }

    @Test("The loss of degrees and its gradient")
    func degrees() throws {
        let entry = try #require(GoldenFile.standard["spo_degree_loss"])
        let inputs = try #require(GoldenFile.standard.inputs["spo"])
        let sides = ["chosen", "rejected"]
        let logits = try sides.map { try #require(inputs["head_logits_\($0)"]) }
        let degrees = try #require(logits[0].elements?.count)
        let group = ParameterGroup(
            "logits", [ParameterGroup.Declaration(name: "logits", shape: [1, 2, degrees, degrees], decays: false)],
            trainable: true, .float64)
        group["logits"].copy(from: Tensor(logits.flatMap(\.numbers), shape: [1, 2, degrees, degrees]))
        let loss = KeywordDegrees.losses(group["logits"]).sum() * entry.number("gamma")
        loss.backward()
        #expect(distance([loss.item()], [entry.expected["loss"]?.double ?? .nan]) < 1e-9)
        let gradients = Array((group.gradients?.doubles() ?? []).prefix(2 * degrees * degrees))
        let expected = sides.flatMap { entry.expected["grad_\($0)"]?.numbers ?? [] }
        #expect(distance(gradients, expected) < 1e-9)
    }
}

import Objectives
import PreferenceData
import Stages
import Testing
import Training

@Suite("Pairs of sampled responses")
struct PairRuleTests {
    @Test("Best and worst, any two, and confident pairs; equal scores make none")
    func rules() {
        let pairs = { (rule: PairRule, scores: [Double]) in
            rule.pairs(ofScores: scores, confidence: 2).map { [$0.chosen, $0.rejected] }
        }
        #expect(pairs(.bestWorst, [1, 3, 0, 3]) == [[1, 2]])
        #expect(pairs(.bestWorst, [1, 1]).isEmpty && pairs(.all, [1, 1]).isEmpty)
        #expect(pairs(.all, [1, 3, 1]) == [[1, 0], [1, 2]])
        #expect(pairs(.confident, [1, 2.5, 1]).isEmpty && pairs(.confident, [0, 2]) == [[1, 0]])
    }

    @Test("A response without its end loses the penalty before scores are compared")
    func penalty() {
        var options = OnlineDPOOptions()
        let group = [rollout(0, score: 1, isFinished: false), rollout(1, score: 0.5)]
        #expect(SampledPairs([group], given: [], options).pairs.map(\.chosen) == [[7]])
        options.missingEOSPenalty = 1
        let found = SampledPairs([group], given: [], options)
        #expect(found.pairs.map(\.chosen) == [[8]] && found.gaps == [0.5])
    }

    @Test("A demonstration stands before each response to its prompt, but for one that says the same")
    func demonstrations() {
        var options = OnlineDPOOptions()
        options.labels = .demonstrations
        let groups = [[rollout(0, score: 0), rollout(1, score: 0)], [rollout(2, score: 0, prompt: 4)]]
        let found = SampledPairs(groups, given: [], demonstrations: [0: [8], 4: [1, 2]], options)
        #expect(found.pairs.map(\.chosen) == [[8], [1, 2]] && found.pairs.map(\.rejected) == [[7], [9]])
        #expect(found.origins == [PairOrigin(kind: .demonstration), PairOrigin(kind: .demonstration)])
        #expect(!found.asksPolicy && found.gaps.isEmpty)
    }

    @Test("The policy's labels are drawn with the probability of their margin, each pair's by itself")
    func labels() {
        var options = OnlineDPOOptions()
        options.labels = .policy
        let groups = (0..<4000).map { _ in [rollout(0, score: 0), rollout(1, score: 0)] }
        var found = SampledPairs(groups, given: [], options)
        #expect(found.asksPolicy && found.pairs.count == 4000 && found.origins[0].drawsResponses)
        found.drawLabels(margins: Array(repeating: 1, count: 4000), seed: 3, step: 5)
        let share = Double(found.pairs.count { $0.chosen == [7] }) / 4000
        // Four standard deviations about σ(1).
        #expect(abs(share - 0.7311) < 0.028, "\(share)")
    }

    @Test("A step's prompts are divided into those that are drawn and those of the data, as the share says")
    func mixture() throws {
        let order = try DataOrder(count: 10, batchSize: 5, seed: 1, shuffles: true)
        for (share, count) in [(0.0, 0), (0.4, 2), (1.0, 5)] {
            let mixture = PromptMixture(order.batches, share: share, seed: 9)
            for step in 0..<4 {
                let (drawn, given) = (mixture.drawn(atStep: step), mixture.given(atStep: step))
                #expect(drawn.count == count)
                #expect(Set(drawn + given) == Set(order.batches.batch(atStep: step)))
            }
        }
        let mixture = PromptMixture(order.batches, share: 0.4, seed: 9)
        #expect(Set((0..<20).map { Set(mixture.drawn(atStep: $0 * 2)) }).count > 1)
    }

    private func rollout(_ sample: Int, score: Double, isFinished: Bool = true, prompt: Int = 0) -> Rollout {
        Rollout(
            promptIndex: prompt, sample: sample, prompt: [5], response: [Int32(7 + sample)], sampledLogps: [0],
            isFinished: isFinished, score: score)
    }
}

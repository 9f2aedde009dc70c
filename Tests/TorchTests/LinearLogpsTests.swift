import Testing
import Torch

@Suite struct LinearLogpsTests {
    /// The definition, holding all logits, in float64.
    private func plain(_ inputs: Leaves, _ targets: Tensor, _ temperature: Double) -> Tensor {
        let logits = inputs[0].converted(to: .float64).matmul(inputs[1].converted(to: .float64).transposed(0, 1))
        return (logits / temperature).logSoftmax(1)
    }

    @Test("log-probabilities and gradients equal the log-softmax of all logits", arguments: [1.0, 0.7, 2])
    func againstDefinition(temperature: Double) {
        var source = NumberSource(5)
        let (rows, vocabulary) = (50, 301)
        let leaves = [source.leaf([rows, 24], scale: 2), source.leaf([vocabulary, 24])]
        let targets = Tensor((0..<rows).map { Int64($0 * 37 % vocabulary) })
        let fused = Evaluation(leaves) {
            $0[0].logps(ofTargets: targets, vocabulary: $0[1], temperature: temperature).logps
        }
        let plain = Evaluation(leaves) {
            self.plain($0, targets, temperature).gathered(1, targets.unsqueezed(1)).reshaped([rows])
        }
        #expect(fused.difference(to: plain) < 2e-6)
    }

    @Test("a batch that takes several chunks of the vocabulary's width equals one that is whole")
    func severalChunks() {
        var source = NumberSource(6)
        // A chunk holds 2²³ logits: 209 rows here.
        let (rows, vocabulary) = (500, 40_000)
        let leaves = [source.leaf([rows, 6]), source.leaf([vocabulary, 6], scale: 2)]
        let targets = Tensor((0..<rows).map { Int64($0 * 7919 % vocabulary) })
        let fused = Evaluation(leaves) { $0[0].logps(ofTargets: targets, vocabulary: $0[1]).logps }
        let plain = Evaluation(leaves) {
            $0[0].matmul($0[1].transposed(0, 1)).logSoftmax(1).gathered(1, targets.unsqueezed(1)).reshaped([rows])
        }
        #expect(fused.difference(to: plain) < 1e-5)
    }

    @Test("statistics are the entropy, the mean logit and whether the target is the most likely token")
    func statistics() {
        var source = NumberSource(8)
        let (rows, vocabulary, temperature) = (20, 90, 0.8)
        let inputs = Leaves([source.leaf([rows, 12], scale: 2), source.leaf([vocabulary, 12])])
        let logps = plain(inputs, .zeros([rows], .int64), temperature)
        let rowsOfLogps = logps.doubles()
        let likely = (0..<rows).map { row in
            (0..<vocabulary).max { rowsOfLogps[row * vocabulary + $0] < rowsOfLogps[row * vocabulary + $1] } ?? 0
        }
        // The most likely token on even rows, its neighbour on odd ones.
        let targets = (0..<rows).map { Int64($0.isMultiple(of: 2) ? likely[$0] : (likely[$0] + 1) % vocabulary) }
        let statistics = inputs[0].logps(
            ofTargets: Tensor(targets), vocabulary: inputs[1], temperature: temperature
        ).statistics
        #expect(!statistics.requiresGradient)
        let entropy = -(logps.exp() * logps).sum(1)
        let logits = inputs[0].matmul(inputs[1].transposed(0, 1)) / temperature
        #expect(relativeDifference(column(statistics, 0), entropy.floats()) < 1e-6)
        #expect(relativeDifference(column(statistics, 1), logits.mean(1).floats()) < 1e-5)
        #expect(column(statistics, 2) == (0..<rows).map { $0.isMultiple(of: 2) ? 1 : 0 })
    }

    @Test("logits far apart give finite log-probabilities and an entropy of zero")
    func farApart() {
        let result = Tensor([1] as [Float], shape: [1, 1]).logps(
            ofTargets: Tensor([1] as [Int64]), vocabulary: Tensor([0, -500, 900] as [Float], shape: [3, 1]))
        #expect(result.logps.floats() == [-1400])
        #expect(column(result.statistics, 0) == [0])
    }

    private func column(_ statistics: Tensor, _ index: Int) -> [Float] {
        statistics.narrowed(1, index..<index + 1).floats()
    }
}

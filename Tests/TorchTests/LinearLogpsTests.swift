import Testing
import Torch

@Suite struct LinearLogpsTests {
    /// The definition, holding all logits, in float64.
    private func plain(_ inputs: Leaves, _ shape: LogitShape) -> Tensor {
        var logits = inputs[0].converted(to: .float64).matmul(inputs[1].converted(to: .float64).transposed(0, 1))
        logits = logits / shape.divisor
        if let cap = shape.cap { logits = (logits / cap).tanh() * cap }
        return (logits / shape.temperature).logSoftmax(1)
    }

    @Test(
        "log-probabilities and gradients equal the log-softmax of all logits",
        arguments: [
            LogitShape(), LogitShape(temperature: 0.7), LogitShape(temperature: 2),
            LogitShape(divisor: 8, temperature: 0.5),
            LogitShape(cap: 30), LogitShape(divisor: 0.5, cap: 3, temperature: 0.7),
        ])
    func againstDefinition(shape: LogitShape) {
        var source = NumberSource(5)
        let (rows, vocabulary) = (50, 301)
        let leaves = [source.leaf([rows, 24], scale: 2), source.leaf([vocabulary, 24])]
        let targets = Tensor((0..<rows).map { Int64($0 * 37 % vocabulary) })
        let fused = Evaluation(leaves) {
            $0[0].logps(ofTargets: targets, vocabulary: $0[1], shape).logps
        }
        let plain = Evaluation(leaves) {
            self.plain($0, shape).gathered(1, targets.unsqueezed(1)).reshaped([rows])
        }
        #expect(fused.difference(to: plain) < 2e-6)
    }

    @Test(
        "rows and a vocabulary that take several blocks equal ones that are whole",
        arguments: [(500, 40_000), (4200, 3000)])
    func severalBlocks(rows: Int, vocabulary: Int) {
        // A block holds 4,096 rows and 2,048 tokens.
        var source = NumberSource(6)
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
        let logps = plain(inputs, LogitShape(temperature: temperature))
        let rowsOfLogps = logps.doubles()
        let likely = (0..<rows).map { row in
            (0..<vocabulary).max { rowsOfLogps[row * vocabulary + $0] < rowsOfLogps[row * vocabulary + $1] } ?? 0
        }
        // The most likely token on even rows, its neighbour on odd ones.
        let targets = (0..<rows).map { Int64($0.isMultiple(of: 2) ? likely[$0] : (likely[$0] + 1) % vocabulary) }
        let statistics = inputs[0].logps(
            ofTargets: Tensor(targets), vocabulary: inputs[1], LogitShape(temperature: temperature)
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

    @Test("a row has the same bits in any company, forwards and backwards")
    func sameBitsInCompany() {
        var source = NumberSource(9)
        let (all, some, vocabulary) = (300, 40, 5000)
        let hidden = source.leaf([all, 32]), weight = source.leaf([vocabulary, 32])
        let targets = (0..<all).map { Int64($0 * 131 % vocabulary) }
        func evaluate(_ rows: Int) -> (logps: [Float], gradient: [Float]) {
            let leaves = Leaves([(Array(hidden.values.prefix(rows * 32)), [rows, 32]), weight])
            let logps = leaves[0].logps(ofTargets: Tensor(Array(targets.prefix(rows))), vocabulary: leaves[1]).logps
            logps.sum().backward()
            return (logps.floats(), leaves.gradient(0))
        }
        let (whole, part) = (evaluate(all), evaluate(some))
        #expect(part.logps == Array(whole.logps.prefix(some)))
        #expect(part.gradient == Array(whole.gradient.prefix(some * 32)))
    }

    private func column(_ statistics: Tensor, _ index: Int) -> [Float] {
        statistics.narrowed(1, index..<index + 1).floats()
    }
}

import Testing
import Torch

/// Operators composed of LibTorch's own against the kernels written by hand, and against their own differences in float64.
@Suite struct ComposedKernelTests {
    /// An operator with inputs that take gradients.
    struct Case: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var leaves: [(values: [Float], shape: [Int])]
        var body: @Sendable ([Tensor]) -> Tensor

        init(
            _ description: String, _ leaves: [(values: [Float], shape: [Int])],
            body: @escaping @Sendable ([Tensor]) -> Tensor
        ) {
            (testDescription, self.leaves, self.body) = (description, leaves, body)
        }

        /// Value and gradients by one set of kernels.
        func evaluation(by kernels: KernelSet) -> Evaluation {
            withKernels(kernels) {
                Evaluation(leaves) { inputs in body(leaves.indices.map { inputs[$0] }) }
            }
        }
    }

    private static let linear: [Case] = [(1, 5, 3), (7, 300, 50), (450, 800, 17), (0, 8, 5)].flatMap {
        rows, inputs, outputs in
        var source = NumberSource(301)
        let input = source.leaf([rows, inputs]), bias = source.leaf([outputs])
        let weight = source.leaf([outputs, inputs]), transposed = source.leaf([inputs, outputs])
        return [
            Case("linear \(rows)x\(inputs)x\(outputs)", [input, weight]) { $0[0].linear($0[1]) },
            Case("linear with bias \(rows)x\(inputs)x\(outputs)", [input, weight, bias]) {
                $0[0].linear($0[1], bias: $0[2])
            },
            Case("linear transposed \(rows)x\(inputs)x\(outputs)", [input, transposed, bias]) {
                $0[0].linearTransposed($0[1], bias: $0[2])
            },
        ]
    }

    private static let layers: [Case] = [0, 1, 130].flatMap { rows in
        var source = NumberSource(302)
        let norm = [source.leaf([rows, 37], scale: 3), source.leaf([37], offset: 1)]
        let gate = [source.leaf([rows, 1001], scale: 6), source.leaf([rows, 1001])]
        let heads = [source.leaf([rows, 3, 16])]
        let turned = [4, 8].map { half in
            let cosine = source.floats(rows * half), sine = source.floats(rows * half)
            return Case("rotary of \(rows) rows, \(half) pairs", heads) {
                let type = $0[0].type
                return $0[0].rotated(
                    cosine: Tensor(cosine, shape: [rows, half]).converted(to: type),
                    sine: Tensor(sine, shape: [rows, half]).converted(to: type))
            }
        }
        return turned + [
            Case("RMS norm of \(rows) rows", norm) { $0[0].rmsNorm($0[1], epsilon: 1e-5) },
            Case("SiLU gate of \(rows) rows", gate) { $0[0].siluGate($0[1]) },
            Case("GELU gate of \(rows) rows", gate) { $0[0].geluGate($0[1]) },
            Case("recomputed, \(rows) rows", norm) { inputs in
                let weight = inputs[1]
                return inputs[0].recomputing { $0.rmsNorm(weight, epsilon: 1e-5).siluGate($0) }
            },
        ]
    }

    private static let attention: [Case] = AttentionTests.cases.map { test in
        var source = NumberSource(303)
        let leaves = [
            source.leaf([test.rows, test.heads, 12], scale: 2), source.leaf([test.rows, test.keyHeads, 12], scale: 2),
            source.leaf([test.rows, test.keyHeads, 12]),
        ]
        let sinks = test.hasSinks ? [source.leaf([test.heads], scale: 4)] : []
        return Case("attention: \(test.testDescription)", leaves + sinks) { test.attention($0) }
    }

    private static let vocabulary: [Case] = [
        (0, 20, LogitShape()), (50, 301, LogitShape(temperature: 0.7)), (20, 9001, LogitShape()),
        (4200, 300, LogitShape(temperature: 2)), (50, 301, LogitShape(divisor: 3, cap: 2, temperature: 0.7)),
        (20, 9001, LogitShape(cap: 30)),
    ].flatMap { (rows: Int, vocabulary: Int, shape: LogitShape) in
        var source = NumberSource(304)
        let leaves = [source.leaf([rows, 24], scale: 2), source.leaf([vocabulary, 24])]
        let targets = (0..<rows).map { Int64($0 * 37 % vocabulary) }
        return [
            Case("log-probabilities of \(rows) in \(vocabulary) at \(shape.temperature), cap \(shape.cap ?? 0)", leaves)
            {
                $0[0].logps(ofTargets: Tensor(targets), vocabulary: $0[1], shape).logps
            },
            Case("tied table of \(vocabulary), \(rows) rows", [leaves[1]]) {
                $0[0].embedding(Tensor(targets.reversed()))
                    .logps(ofTargets: Tensor(targets), vocabulary: $0[0], shape).logps
            },
        ]
    }

    static let cases = linear + layers + attention + vocabulary

    @Test("values and all gradients are those of the kernels written by hand, to 1e-5", arguments: cases)
    func equal(test: Case) {
        #expect(test.evaluation(by: .aten).difference(to: test.evaluation(by: .cpu)) < 1e-5)
    }

    @Test(
        "in float64 gradients are the operator's differences, along one direction an input",
        arguments: cases.filter { !$0.testDescription.contains("4200") && !$0.testDescription.contains("450") })
    func differences(test: Case) {
        let wide = Case(test.testDescription, test.leaves) { test.body($0.map { $0.converted(to: .float64) }) }
        let gradients = wide.evaluation(by: .cpu).gradients
        var source = NumberSource(305)
        for index in test.leaves.indices {
            let direction = source.floats(test.leaves[index].values.count)
            let loss = { (step: Double) in
                let inputs = test.leaves.enumerated().map { place, leaf in
                    let values = leaf.values.indices.map {
                        Double(leaf.values[$0]) + (place == index ? step * Double(direction[$0]) : 0)
                    }
                    return Tensor(values, shape: leaf.shape)
                }
                let result = test.body(inputs)
                #expect(result.type == .float64)
                var weights = NumberSource(99)
                return zip(result.doubles(), weights.floats(result.count)).reduce(0) { $0 + $1.0 * Double($1.1) }
            }
            let slope = (loss(1e-5) - loss(-1e-5)) / 2e-5
            let expected = zip(gradients[index], direction).reduce(0) { $0 + Double($1.0) * Double($1.1) }
            #expect(abs(slope - expected) < 1e-5 * max(1, abs(slope)), "input \(index): \(slope), \(expected)")
        }
    }

    @Test(
        "bfloat16 is within its digits of float32",
        arguments: [
            "linear 7x300x50", "RMS norm of 130 rows", "attention: two responses behind each of two prompts",
            "log-probabilities of 50 in 301 at 0.7, cap 0.0", "log-probabilities of 50 in 301 at 0.7, cap 2.0",
            "attention: two responses behind each of two prompts, cap 2.0, window 100",
        ])
    func half(name: String) throws {
        let test = try #require(Self.cases.first { $0.testDescription == name })
        let half = Case(name, test.leaves) {
            test.body($0.map { $0.converted(to: .bfloat16) }).converted(to: .float32)
        }
        #expect(half.evaluation(by: .cpu).difference(to: test.evaluation(by: .cpu)) < 2e-2)
    }

    @Test("statistics are those of the kernels written by hand")
    func statistics() {
        var source = NumberSource(306)
        let hidden = Tensor(source.floats(40 * 24), shape: [40, 24])
        let table = Tensor(source.floats(9001 * 24), shape: [9001, 24])
        let likely = withoutGradients { hidden.matmul(table.transposed(0, 1)) }.floats()
        // Of every other row the most likely token.
        let targets = (0..<40).map { row -> Int64 in
            let logits = likely[row * 9001..<(row + 1) * 9001]
            let best = logits.indices.max { logits[$0] < logits[$1] } ?? 0
            return Int64(row.isMultiple(of: 2) ? best - row * 9001 : row)
        }
        let read = {
            hidden.logps(ofTargets: Tensor(targets), vocabulary: table, .init(temperature: 0.8)).statistics.floats()
        }
        let (byHand, composed) = (withKernels(.cpu, read), withKernels(.aten, read))
        #expect(relativeDifference(composed, byHand) < 1e-5)
        #expect((0..<40).map { composed[3 * $0 + 2] } == (0..<40).map { $0.isMultiple(of: 2) ? 1 : 0 })
    }

    @Test(
        "the same tokens are drawn, whatever the filters, with the same log-probabilities",
        arguments: [
            TokenSampling(), TokenSampling(temperature: 0), TokenSampling(temperature: 1.7, topK: 50),
            TokenSampling(temperature: 0.7, topP: 0.9), TokenSampling(topK: 40, topP: 0.8, suppressed: [3, 2998]),
            TokenSampling(topP: 0.01),
        ])
    func draws(options: TokenSampling) {
        var source = NumberSource(307)
        let (rows, vocabulary) = (60, 2999)
        let logits = Tensor(source.floats(rows * vocabulary, scale: 4), shape: [rows, vocabulary])
        let draw = {
            logits.sampleTokens(
                options, keys: (0..<UInt64(rows)).map { $0 &* 0x9E37_79B9_7F4A_7C15 },
                counters: (0..<UInt64(rows)).map { $0 << 30 }, suppressing: (0..<rows).map { $0.isMultiple(of: 2) })
        }
        let (byHand, composed) = (withKernels(.cpu, draw), withKernels(.aten, draw))
        #expect(composed.tokens == byHand.tokens)
        #expect(relativeDifference(composed.logps, byHand.logps) < 1e-5)
        #expect(Set(byHand.tokens).count > 20)
    }

    @Test("logits that are not numbers give some token, whose log-probability is no number")
    func notNumbers() {
        var source = NumberSource(308)
        let logits = source.floats(300, scale: 3).enumerated().map { $0 % 3 == 0 ? Float.nan : $1 }
        for options in [TokenSampling(), TokenSampling(topP: 0.9), TokenSampling(topK: 50)] {
            let draw = {
                Tensor(logits, shape: [1, 300]).sampleTokens(options, keys: [5], counters: [6], suppressing: [false])
            }
            let drawn = withKernels(.aten, draw)
            #expect(drawn.tokens == withKernels(.cpu, draw).tokens && drawn.logps[0].isNaN)
        }
    }

    @Test(
        "packed weights and caches stay with the kernels that laid them out, and give the same numbers",
        arguments: [AttentionOptions(scale: 0.3), AttentionOptions(scale: 0.3, cap: 1, window: 17)])
    func decoding(options: AttentionOptions) {
        var source = NumberSource(309)
        let (heads, keyHeads, channels, length) = (6, 2, 20, 19)
        let input = Tensor(source.floats(5 * 30), shape: [5, 30])
        let weights = [
            Tensor(source.floats(50 * 30), shape: [50, 30]),
            Tensor(source.floats(30 * 7), shape: [30, 7]).transposed(0, 1),
        ]
        let bias = Tensor(source.floats(50))
        let products = KernelSet.allCases.map { kernels in
            let packed = withKernels(kernels) { PackedWeight.pack(weights) }
            return input.linear(packed[0], bias: bias).floats() + input.linear(packed[1]).floats()
        }
        #expect(relativeDifference(products[1], products[0]) < 1e-5)

        let query = Tensor(source.floats(length * heads * channels), shape: [length, heads, channels])
        let key = Tensor(source.floats(length * keyHeads * channels), shape: [length, keyHeads, channels])
        let value = Tensor(source.floats(length * keyHeads * channels), shape: [length, keyHeads, channels])
        let sinks = Tensor(source.floats(heads)) * 3
        let caches = KernelSet.allCases.map { kernels in
            withKernels(kernels) { AttentionCache(slots: 3, heads: keyHeads, capacity: length, channels: channels) }
        }
        #expect(caches.map(\.capacity) == [32, length], "layouts are their kernels' own")
        let results = caches.map { cache in
            // A longer sequence that is no number was there before; a part of one is copied, and another one is longer.
            cache.write(
                .full(.nan, [1, keyHeads, channels]), .full(.nan, [1, keyHeads, channels]), slots: [2], positions: [18])
            let places = (0..<length - 1).map { Int64($0) }
            let rows = Tensor(places)
            cache.write(key.selecting(rows), value.selecting(rows), slots: places.map { _ in 2 }, positions: places)
            cache.copy(from: 2, to: 0, count: 17)
            let all = (0..<length).map { Int64($0) }
            cache.write(key, value, slots: all.map { _ in 1 }, positions: all)
            return [nil, sinks].flatMap { sinks in
                cache.attention(
                    query.narrowed(0, 0..<3), sinks: sinks, slots: [2, 0, 1], lengths: [18, 17, 19], options
                ).floats()
            }
        }
        #expect(results[0].allSatisfy(\.isFinite) && relativeDifference(results[1], results[0]) < 1e-5)
    }

    @Test("norms and checksums are the same, of whole blocks and of parts", arguments: [0, 1, 33, 262_144, 700_016])
    func sums(count: Int) {
        var source = NumberSource(310)
        let buffer = ParameterGroup("model", [.init(name: "a", shape: [count], decays: true)], trainable: true)
        buffer.values.copy(from: Tensor(source.floats(buffer.count)))
        buffer.gradients?.copy(from: buffer.values)
        #expect(
            withKernels(.aten) { ParameterStore([buffer]).checksum }
                == withKernels(.cpu) { ParameterStore([buffer]).checksum })
        let norms = KernelSet.allCases.map { withKernels($0) { ParameterStore([buffer]).gradientNorm() } }
        #expect(abs(norms[1] - norms[0]) <= 1e-12 * norms[0])
    }

    @Test("kernels are asked for by thread, and are what they were after that")
    func scope() {
        let before = KernelSet.current
        withKernels(.aten) {
            #expect(KernelSet.current == .aten)
            withKernels(.cpu) { #expect(KernelSet.current == .cpu) }
            #expect(KernelSet.current == .aten)
        }
        #expect(KernelSet.current == before)
    }
}

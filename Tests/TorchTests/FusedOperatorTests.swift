import Foundation
import Testing
import Torch

/// Fused operators against the same mathematics in plain operators, in float64 where they allow it.
@Suite struct FusedOperatorTests {
    @Test("NaN in is NaN out, where it stands and nowhere else")
    func notNumbers() {
        let values = (0..<64).map { $0 == 37 ? Float.nan : Float($0) - 100 }
        let gated = Tensor(values).siluGate(.full(1, [64])).floats()
        #expect(gated.indices.filter { gated[$0].isNaN } == [37])
    }

    @Test("RMSNorm and its gradients equal plain operators", arguments: [1, 64, 200])
    func rmsNorm(rows: Int) {
        var source = NumberSource(1)
        let leaves = [source.leaf([rows, 37], scale: 3), source.leaf([37], offset: 1)]
        let fused = Evaluation(leaves) { $0[0].rmsNorm($0[1], epsilon: 1e-5) }
        let plain = Evaluation(leaves) {
            let x = $0[0].converted(to: .float64)
            let scale = (x.square().mean(-1, keepingDimension: true) + 1e-5).squareRoot()
            return x / scale * $0[1]
        }
        #expect(fused.difference(to: plain) < 1e-6)
    }

    @Test(
        "rotary embedding turns pairs half a head apart, and leaves channels past the rotated ones", arguments: [4, 8])
    func rotary(half: Int) {
        let (rows, heads, channels) = (130, 3, 16)
        var source = NumberSource(2)
        let leaves = [source.leaf([rows, heads, channels])]
        let angles = source.floats(rows * half, scale: 3).map(Double.init)
        let cosine = Tensor(angles.map { Float(cos($0)) }, shape: [rows, half])
        let sine = Tensor(angles.map { Float(sin($0)) }, shape: [rows, half])
        let fused = Evaluation(leaves) { $0[0].rotated(cosine: cosine, sine: sine) }
        let plain = Evaluation(leaves) {
            let x = $0[0].converted(to: .float64)
            let (first, second) = (x.narrowed(2, 0..<half), x.narrowed(2, half..<2 * half))
            let (c, s) = (cosine.unsqueezed(1), sine.unsqueezed(1))
            return Tensor.concatenated(
                [first * c - second * s, second * c + first * s, x.narrowed(2, 2 * half..<channels)], along: 2)
        }
        #expect(fused.difference(to: plain) < 1e-6)
    }

    @Test("the SiLU gate equals plain operators over more than one block of work")
    func siluGate() {
        var source = NumberSource(3)
        let leaves = [source.leaf([2, 17_000], scale: 6), source.leaf([2, 17_000])]
        let fused = Evaluation(leaves) { $0[0].siluGate($0[1]) }
        let plain = Evaluation(leaves) {
            let gate = $0[0].converted(to: .float64)
            return gate * gate.sigmoid() * $0[1]
        }
        #expect(fused.difference(to: plain) < 1e-6)
    }

    @Test("the kernels' exponential is right to 3e-7 from -87 to 87, and its ends do no harm")
    func exponentials() {
        // For large negative x the gate is x / (1 + e⁻ˣ), so that e⁻ˣ can be read off it.
        let inputs = (0...1740).map { Float($0) * -0.05 }.dropFirst()
        let gated = Tensor(Array(inputs)).siluGate(.full(1, [inputs.count])).floats()
        for (x, y) in zip(inputs, gated) {
            let exact = Double(x) / (1 + exp(-Double(x)))
            #expect(abs(Double(y) - exact) <= 3e-7 * abs(exact), "at \(x)")
        }
        let positive = inputs.map { -$0 }
        for (x, y) in zip(positive, Tensor(positive).siluGate(.full(1, [positive.count])).floats()) {
            let exact = Double(x) / (1 + exp(-Double(x)))
            #expect(abs(Double(y) - exact) <= 3e-7 * exact, "at \(x)")
        }
        let ends = Tensor([-1000, -88.5, 0, 88.5, 1000] as [Float]).siluGate(.full(1, [5])).floats()
        #expect(abs(ends[0]) < 1e-30 && abs(ends[1]) < 1e-30 && ends[2] == 0 && ends[3] == 88.5 && ends[4] == 1000)
        let undefined = Tensor([Float.nan]).siluGate(.full(1, [1])).floats()
        #expect(undefined[0].isNaN)
    }

    @Test("no rows give no rows and gradients of zero, in every fused operator")
    func noRows() {
        var source = NumberSource(4)
        let weight = source.leaf([8])
        let vocabulary = source.leaf([20, 8])
        let norm = Evaluation([([], [0, 8]), weight]) { $0[0].rmsNorm($0[1], epsilon: 1e-5) }
        #expect(norm.value.isEmpty && norm.gradients[1] == [Float](repeating: 0, count: 8))
        let gate = Evaluation([([], [0, 8]), ([], [0, 8])]) { $0[0].siluGate($0[1]) }
        #expect(gate.value.isEmpty)
        let rotated = Evaluation([([], [0, 2, 8])]) {
            $0[0].rotated(cosine: .zeros([0, 4]), sine: .zeros([0, 4]))
        }
        #expect(rotated.value.isEmpty)
        let attention = Evaluation([([], [0, 4, 8]), ([], [0, 2, 8]), ([], [0, 2, 8])]) {
            $0[0].attention($0[1], $0[2], segments: [], .init(scale: 1))
        }
        #expect(attention.value.isEmpty)
        let logps = Evaluation([([], [0, 8]), vocabulary]) {
            $0[0].logps(ofTargets: Tensor([] as [Int64]), vocabulary: $0[1]).logps
        }
        #expect(logps.value.isEmpty && logps.gradients[1] == [Float](repeating: 0, count: 160))
        let cache = AttentionCache(slots: 1, heads: 2, capacity: 3, channels: 8)
        cache.write(.zeros([0, 2, 8]), .zeros([0, 2, 8]), slots: [], positions: [])
        #expect(cache.attention(.zeros([0, 4, 8]), slots: [], lengths: [], .init(scale: 1)).count == 0)
        let drawn = Tensor.zeros([0, 20]).sampleTokens(TokenSampling(), keys: [], counters: [], suppressing: [])
        #expect(drawn.tokens.isEmpty)
        #expect(Tensor.zeros([0]).norm() == 0)
    }
}

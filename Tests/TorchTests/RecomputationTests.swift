import Testing
import Torch

@Suite struct RecomputationTests {
    @Test("a function that is computed anew has the bits of one that is not: its value, and all gradients")
    func sameBits() {
        var source = NumberSource(71)
        let leaves = [source.leaf([30, 8]), source.leaf([8, 8]), source.leaf([8])]
        func layer(_ stream: Tensor, _ leaves: Leaves) -> Tensor {
            stream + stream.rmsNorm(leaves[2], epsilon: 1e-5).linear(leaves[1]).silu()
        }
        let plain = Evaluation(leaves) { layer(layer($0[0], $0), $0) }
        let anew = Evaluation(leaves) { leaves in
            leaves[0].recomputing { layer($0, leaves) }.recomputing { layer($0, leaves) }
        }
        #expect(anew.value == plain.value)
        #expect(anew.gradients == plain.gradients)
        #expect(plain.gradients.allSatisfy { $0.contains { $0 != 0 } })
    }

    @Test("it runs once forwards and once more backwards, and is let go of after that")
    func runs() {
        final class Counter { var runs = 0 }
        var source = NumberSource(72)
        let counter = Counter()
        let leaves = Leaves([source.leaf([4])])
        weak var held: Counter?
        do {
            let inner = Counter()
            held = inner
            let result = leaves[0].recomputing { input in
                counter.runs += 1
                inner.runs += 1
                return input.exp()
            }
            #expect(counter.runs == 1)
            result.sum().backward()
            #expect(counter.runs == 2)
        }
        #expect(held == nil)
        _ = withoutGradients { leaves[0].recomputing { input in input.exp() } }
    }
}

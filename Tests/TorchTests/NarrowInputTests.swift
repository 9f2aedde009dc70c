import Testing
import Torch

/// Weights in float32 applied to numbers in bfloat16, as models have them that compute in half precision.
@Suite struct NarrowInputTests {
    /// An operator over an input and the weights it is applied to.
    struct Case: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let weights: [[Int]]
        let body: @Sendable (Tensor, [Tensor]) -> Tensor
    }

    private static let rows = 40, width = 24, outputs = 18

    static let cases = [
        Case(testDescription: "linear", weights: [[outputs, width], [outputs]]) { $0.linear($1[0], bias: $1[1]) },
        Case(testDescription: "linear without bias", weights: [[outputs, width]]) { $0.linear($1[0]) },
        Case(testDescription: "linear transposed", weights: [[width, outputs], [outputs]]) {
            $0.linearTransposed($1[0], bias: $1[1])
        },
        Case(testDescription: "RMS norm", weights: [[width]]) { $0.rmsNorm($1[0], epsilon: 1e-6) },
        Case(testDescription: "layer norm", weights: [[width], [width]]) {
            $0.layerNorm($1[0], bias: $1[1], epsilon: 1e-6)
        },
        Case(testDescription: "log-probabilities", weights: [[50, width]]) {
            $0.logps(
                ofTargets: Tensor((0..<rows).map { Int64($0) }), vocabulary: $1[0], .init(temperature: 0.8)
            ).logps
        },
    ]

    @Test("Results and float32 gradients are those of float32 to the precision of bfloat16", arguments: cases)
    func gradients(of operation: Case) {
        var source = NumberSource(41)
        let leaves = [source.leaf([Self.rows, Self.width])] + operation.weights.map { source.leaf($0) }
        let evaluations = [ScalarType.float32, .bfloat16].map { type in
            Evaluation(leaves) { inputs in
                operation.body(inputs[0].converted(to: type), leaves.indices.dropFirst().map { inputs[$0] })
                    .converted(to: .float32)
            }
        }
        let error = evaluations[1].difference(to: evaluations[0])
        #expect(error > 0 && error < 0.02)
    }
}

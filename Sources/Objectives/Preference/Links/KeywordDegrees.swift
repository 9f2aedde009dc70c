import Configuration
import Torch

/// How well a head on the policy's states tells how much of a response's key content was removed: the mean of
/// `-log softmax(head)[k]` over a response (k = 0) and its variants of degrees 1...K, of both responses (SPO, arXiv
/// 2409.17791).
package struct KeywordDegrees: Link {
    /// The head's name; its outputs are logits of degrees.
    static let headName = "degree"

    private let options: KeywordDegreeOptions

    package init(_ options: KeywordDegreeOptions) { self.options = options }

    /// Nothing where the term counts nothing.
    package var needs: LossNeeds {
        guard options.gamma > 0 else { return LossNeeds() }
        return LossNeeds(
            variants: .withoutKeywords(degrees: options.degrees),
            head: LossHead(name: Self.headName, outputs: options.degrees + 1))
    }

    package func callAsFunction(_ scores: PairScores, beta: Double, in batch: PairBatch) -> Tensor {
        guard options.gamma > 0 else { return scores.chosen.detached() * 0 }
        return Self.losses(batch.headOutputs)
    }

    /// - Parameter outputs: `[n, 2, K + 1, K + 1]`: of each pair, response, and degree the logits of all degrees.
    /// - Returns: The sums over both responses, `[n]`.
    package static func losses(_ outputs: Tensor) -> Tensor {
        let (count, degrees) = (outputs.shape[0], outputs.shape[2])
        let labels = Tensor(
            (0..<2 * count * degrees).map { Int64($0 % degrees) }, shape: [count, 2, degrees, 1],
            on: outputs.placement.device)
        let logps = outputs.logSoftmax(3).gathered(3, labels)
        return logps.reshaped([count, 2 * degrees]).sum(1) * (-1 / Double(degrees))
    }
}

/// SPO's term beside its preference loss.
package struct KeywordDegreeOptions: LossOptions {
    package static let block: String? = "spo"

    /// γ.
    package var gamma = 0.1
    /// K.
    package var degrees = 3

    package init() {}

    package static let fields = Field<Self>.list {
        Field("gamma", \.gamma, .atLeast(0), "What the loss of the degrees is multiplied by before it is added.")
        Field(
            "degrees", \.degrees, .between(1, 16),
            "How many variants a response has, each with more of its key phrases removed.")
    }
}

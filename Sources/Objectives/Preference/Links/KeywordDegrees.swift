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

    package var needs: LossNeeds {
        LossNeeds(
            variants: .withoutKeywords(degrees: options.degrees),
            head: LossHead(name: Self.headName, outputs: options.degrees + 1))
    }

    package var readsBeta: Bool { false }

    package func callAsFunction(_ scores: PairScores, beta: Double, in batch: PairBatch) -> Tensor {
        Self.losses(batch.headOutputs, counted: batch.headCounts)
    }

    /// - Parameters:
    ///   - outputs: `[n, 2, K + 1, K + 1]`: of each pair, response, and degree the logits of all degrees.
    ///   - counted: Whether each pair's response has each degree, `n * 2 * (K + 1)` in the same order.
    /// - Returns: The sums over both responses of means over the degrees that are there, `[n]`.
    package static func losses(_ outputs: Tensor, counted: [Bool]? = nil) -> Tensor {
        let (count, degrees) = (outputs.shape[0], outputs.shape[2])
        let labels = Tensor(
            (0..<2 * count * degrees).map { Int64($0 % degrees) }, shape: [count, 2, degrees, 1],
            on: outputs.placement.device)
        let logps = outputs.logSoftmax(3).gathered(3, labels).reshaped([count, 2 * degrees])
        guard let counted, counted.contains(false) else { return logps.sum(1) * (-1 / Double(degrees)) }
        let shares = stride(from: 0, to: counted.count, by: degrees).flatMap { start -> [Float] in
            let own = counted[start..<start + degrees]
            let share = -1 / Float(max(1, own.count { $0 }))
            return own.map { $0 ? share : 0 }
        }
        return (logps * Tensor(shares, shape: logps.shape, on: outputs.placement.device)).sum(1)
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
            "How many variants a response has, each with more of its key phrases removed; a pair's row grows by them.")
    }
}

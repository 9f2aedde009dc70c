import PreferenceData
import Runs
import Stages
import Transformers

/// The arithmetic that a batch needs, counted exactly: two operations for each product and sum of matrix products.
///
/// - A block's matrices are paid for by every row, so a prompt that responses share counts once. The last block's
///   attention output and feed-forward are paid for only at rows that predict something.
/// - Attention: in each head a query meets every key it may see (its prefix, and its segment up to itself) twice, for
///   the weights and for the values.
/// - The vocabulary projection is paid for only at rows that predict something, each once.
/// - A backward pass costs twice the forward pass: a product each for the gradients of inputs and of weights.
///
/// Norms, activations, rotations, softmax and the optimizer are not counted, nor is what an implementation adds:
/// padding, products above the diagonal, recomputation. So counted over measured time is the part of the machine that
/// does needed work.
package struct FLOPCount: Sendable {
    private let row: Double
    private let visibleKey: Double
    private let prediction: Double
    private let head: DecoderHead

    /// Counts for a model with this head.
    package init(_ specification: DecoderSpecification, head: DecoderHead) {
        let width = Double(specification.width)
        var (all, predicting, queries) = (0.0, 0.0, 0.0)
        for (index, layer) in specification.layers.enumerated() {
            let (attention, feedForward) = (layer.attention, layer.feedForward)
            let input = width * Double(attention.queryWidth + 2 * attention.keyWidth)
            let output = Double(attention.queryWidth) * width
            let behind = output + (feedForward.isGated ? 3 : 2) * width * Double(feedForward.widthOfRow)
            let isLast = index == specification.layers.count - 1
            all += isLast ? input : input + behind
            predicting += isLast ? behind : 0
            queries += Double(attention.queryWidth)
        }
        row = 2 * all
        visibleKey = 2 * 2 * queries
        let outputs = head == .languageModel ? Double(specification.vocabularySize) : 1
        prediction = 2 * (predicting + width * outputs)
        self.head = head
    }

    /// A forward pass: log-probabilities of a batch's predictions, or scores of its last rows.
    package func forward(_ batch: ResponseBatch) -> Double {
        forward(batch.rows, predicting: head == .languageModel ? batch.predictions.rows : batch.lastRows)
    }

    /// A forward pass that predicts, or scores, at some rows.
    package func forward(_ rows: PackedRows, predicting predicted: [Int32]) -> Double {
        let keys = rows.segments.reduce(0.0) { sum, segment in
            let count = Double(segment.count)
            return sum + count * Double(segment.prefix.count) + count * (count + 1) / 2
        }
        return row * Double(rows.count) + visibleKey * keys + prediction * Double(Set(predicted).count)
    }

    /// A forward pass and its backward pass.
    package func training(_ batch: ResponseBatch) -> Double { 3 * forward(batch) }

    /// Drawing `count` tokens after a prompt of `prompt` tokens, with a cache: the last one drawn is never computed on.
    package func generation(prompt: Int, count: Int) -> Double {
        let rows = Double(prompt + count - 1)
        return row * rows + visibleKey * rows * (rows + 1) / 2 + prediction * Double(count)
    }
}

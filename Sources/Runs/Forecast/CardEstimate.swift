import Torch
import Transformers

/// Bytes that passes of a decoder take of a card's memory, beside its parameters.
///
/// On a card logits are held whole for as many rows as 2 GiB have room for, and what layers leave for their backward pass is of
/// the type that they compute in.
struct CardEstimate {
    private let model: DecoderSpecification
    /// Bytes of a number that passes from layer to layer.
    private let size: Int
    /// Whether passes round weights to that, which are in float32.
    var roundsWeights = true

    init(_ model: DecoderSpecification, _ type: ScalarType) {
        (self.model, size) = (model, type.size)
    }

    /// A forward and a backward pass.
    func training(rows: Int, head: DecoderHead, recomputes: Bool) -> Int {
        let layers = model.layers.map { keptBytes(of: $0) }
        let inputs = size * model.layers.count * model.width + (layers.max() ?? 0)
        let last = rows * temporaries + 2 * largestWeight * MemoryLayout<Float>.size
        return rows * (recomputes ? inputs : layers.reduce(0, +))
            + max(last, vocabulary(rows: rows, head: head, learns: true))
    }

    /// A pass without gradients.
    func computing(rows: Int, head: DecoderHead) -> Int {
        let layer = rows * temporaries + largestWeight * size
        return max(layer, rows * size * model.width + vocabulary(rows: rows, head: head, learns: false))
    }

    /// Keys and values of slots with so many tokens.
    func cache(slots: Int, capacity: Int) -> Int {
        model.layers.reduce(0) { $0 + 2 * size * slots * capacity * $1.attention.keyWidth }
    }

    /// A step that draws a token in each slot.
    func drawing(slots: Int) -> Int { slots * (temporaries + 2 * model.vocabularySize * MemoryLayout<Float>.size) }

    /// What a layer keeps of a token for its backward pass: inputs and outputs of both norms, queries, keys, values and
    /// attention's output, and what the activation reads and writes; for softmax and norms a number each.
    private func keptBytes(of layer: LayerSpecification) -> Int {
        let attention = layer.attention
        let feedForward = (layer.feedForward.isGated ? 3 : 2) * layer.feedForward.widthOfRow
        return size * (4 * model.width + 2 * attention.queryWidth + 2 * attention.keyWidth + feedForward)
            + MemoryLayout<Float>.size * (attention.heads + 2)
    }

    /// What is at work in a layer, a token.
    private var temporaries: Int {
        let largest = model.layers.map {
            2 * ($0.attention.queryWidth + 2 * $0.attention.keyWidth) + 3 * $0.feedForward.widthOfRow
        }
        return size * (6 * model.width + (largest.max() ?? 0))
    }

    private var largestWeight: Int {
        model.layers.map { max($0.feedForward.width, $0.attention.queryWidth) * model.width }.max() ?? 0
    }

    /// Logits of a block of rows with their slopes, the weight as it is multiplied, and its gradient with what is added to it.
    private func vocabulary(rows: Int, head: DecoderHead, learns: Bool) -> Int {
        guard head == .languageModel else { return 0 }
        let block = min(rows, max(1, (1 << 29) / model.vocabularySize)) * model.vocabularySize
        let weight = model.vocabularySize * model.width
        let isNarrow = size < MemoryLayout<Float>.size
        let narrow = isNarrow && roundsWeights ? size * weight : 0
        guard learns else { return 4 * block + narrow }
        return block * (isNarrow ? 4 + size : 4) + 2 * 4 * weight + narrow + rows * model.width * (8 + size)
    }
}

import Torch
import Transformers

/// Bytes that a rank holds at most during a stage, in the memory that its models lie in.
package struct MemoryEstimate: Equatable {
    /// Where its models compute, and in which type.
    package let placement: Placement
    /// Parameters of models that are trained; where they are rounded, with a learner's slice of what they are rounded from.
    package var weights = 0
    /// How many numbers those parameters are.
    package var trainedCount = 0
    /// Their gradients; where they are divided, a learner's slice of them and what a backward pass has not summed yet.
    package var gradients = 0
    /// Adam's two moments, or a learner's slice of them.
    package var moments = 0
    /// Parameters of models that only compute, packed copies included.
    package var frozen = 0
    /// Those of them that are held within a pass.
    private var passing = 0
    /// What forward passes leave for backward passes, and temporaries.
    package var activations = 0
    /// Keys and values of responses that are being drawn.
    package var cache = 0
    /// The frozen weights that models share, which are counted once, and their heads.
    private var bases: Set<String> = []

    package init(_ placement: Placement = .float32) { self.placement = placement }

    /// Whether its models lie in a card's memory.
    package var isOnCard: Bool { placement.device != .cpu }

    /// The library and its buffers: what a process has before it holds any model (measured, rounded up).
    package static let process = 200 << 20

    /// The same with LibTorch's part for CUDA, and what it takes of a card: assumed, not measured yet.
    package static let (processWithCard, cardContext) = (3 << 30, 560 << 20)

    /// All of it, with the process itself.
    package var total: Int { models + (isOnCard ? Self.cardContext : Self.process) }

    /// What the rank takes of its host's memory.
    package var ofHost: Int { isOnCard ? Self.processWithCard : total }

    private var models: Int { weights + gradients + moments + frozen + activations + cache }

    /// How a model is trained.
    package struct Training {
        /// Most tokens of a forward and backward pass.
        package var rows: Int
        /// Over how many learners its moments are divided.
        package var shards: Int
        /// Whether its gradients are too.
        package var dividesGradients: Bool
        /// Whether backward passes compute activations anew.
        package var recomputes: Bool

        package init(rows: Int, zero: Int, learners: Int, recomputes: Bool) {
            (self.rows, self.recomputes) = (rows, recomputes)
            shards = zero > 0 ? learners : 1
            dividesGradients = zero == 2
        }

        /// A learner's slice.
        fileprivate func share(of bytes: Int) -> Int { (bytes + shards - 1) / shards }
    }

    /// Adds a model that is trained.
    package mutating func train(
        _ planned: PlannedModel, head: DecoderHead, auxiliaryHead: AuxiliaryHead? = nil, _ training: Training
    ) {
        let model = planned.specification
        let count = planned.ownCount(head: head) + (auxiliaryHead?.outputs ?? 0) * model.width
        let bytes = 4 * count
        let rounds =
            training.dividesGradients && WeightStorage.canRound && placement.type != .float32 && planned.base == nil
        hold(planned, head: head)
        trainedCount += count
        weights += bytes
        if rounds { weights += training.share(of: bytes) - savedByRounding(planned, head: head) }
        moments += training.share(of: 2 * bytes)
        gradients += training.dividesGradients ? training.share(of: bytes) : bytes
        if training.dividesGradients {
            // Models take turns. The gradient of a head's vocabulary is counted with what a pass leaves.
            let held = 4 * planned.gradientsAtOnce(head: head)
            gradients += max(0, held - passing)
            passing = max(passing, held)
        }
        // Models take turns: what one leaves for its backward pass is gone before the next one computes.
        guard isOnCard else {
            let kept = training.recomputes ? model.recomputingBytesPerToken : model.trainingBytesPerToken
            activations = max(
                activations, training.rows * kept + model.vocabularyBytes(head: head, learns: planned.base == nil))
            return
        }
        var card = CardEstimate(model, placement.type)
        card.roundsWeights = !rounds
        activations = max(
            activations, card.training(rows: training.rows, head: head, recomputes: training.recomputes))
    }

    /// Adds a model that computes rows of at most `rows` tokens.
    ///
    /// - Parameter isRounded: Whether its weights lie in the type that it computes in.
    package mutating func compute(_ model: PlannedModel, head: DecoderHead, rows: Int, isRounded: Bool = false) {
        frozen += 4 * model.ownCount(head: head) - (isRounded ? savedByRounding(model, head: head) : 0)
        hold(model, head: head)
        evaluate(model.specification, head: head, rows: rows)
    }

    /// What float32 weights would have more than rounded ones.
    private func savedByRounding(_ model: PlannedModel, head: DecoderHead) -> Int {
        (4 - placement.type.size) * model.roundableCount(head: head)
    }

    /// Adds the frozen weights under a model, where none has brought them yet.
    private mutating func hold(_ model: PlannedModel, head: DecoderHead) {
        guard let base = model.base else { return }
        if bases.insert(base).inserted { frozen += model.bodyBytes(placement.type) }
        if bases.insert("\(base) \(head)").inserted { frozen += model.headBytes(head, placement.type) }
    }

    /// Adds models of which each computes rows of at most `rows` tokens and is freed before the next is loaded.
    package mutating func compute(inTurns models: [(model: PlannedModel, head: DecoderHead)], rows: Int) {
        let needs = models.map { model, head in
            var alone = self
            alone.compute(model, head: head, rows: rows)
            return alone.frozen - frozen
        }
        frozen += needs.max() ?? 0
        for (model, head) in models { evaluate(model.specification, head: head, rows: rows) }
    }

    /// Adds passes without gradients over rows of at most `rows` tokens, by a model that is counted already.
    package mutating func evaluate(_ model: DecoderSpecification, head: DecoderHead, rows: Int) {
        let bytes =
            isOnCard
            ? CardEstimate(model, placement.type).computing(rows: rows, head: head)
            : rows * model.computingBytesPerToken + model.vocabularyBytes(head: head, learns: true)
        activations = max(activations, bytes)
    }

    /// Adds the cache of `slots` responses of at most `capacity` tokens, prompts included, and the packed copy
    /// of the weights that draws them.
    package mutating func generate(_ model: DecoderSpecification, slots: Int, capacity: Int) {
        frozen += model.parameterCount(head: .languageModel) * placement.type.size
        guard !isOnCard else {
            let card = CardEstimate(model, placement.type)
            cache = max(cache, card.cache(slots: slots, capacity: capacity))
            activations = max(activations, card.drawing(slots: slots))
            return
        }
        let layers = model.layers.map { layer in
            AttentionCache.bytes(
                slots: slots, heads: layer.attention.keyValueHeads, capacity: capacity,
                channels: layer.attention.channels, placement: placement)
        }
        cache = max(cache, layers.reduce(0, +))
    }
}

extension DecoderSpecification {
    /// How many numbers a model with this head has.
    package func parameterCount(head: DecoderHead) -> Int {
        declarations(head: head).reduce(0) { $0 + $1.shape.reduce(1, *) }
    }

    /// Bytes of a model's float32 parameters.
    package func parameterBytes(head: DecoderHead) -> Int { 4 * parameterCount(head: head) }

    /// What a forward pass keeps for the backward pass, a token: in each layer the inputs and outputs of both norms,
    /// queries, keys, values and attention's output, and what the activation reads and writes.
    fileprivate var trainingBytesPerToken: Int {
        layers.reduce(0) { $0 + $1.bytesPerToken(width: width) } + computingBytesPerToken
    }

    /// The same where each layer keeps its input, and one at a time what it computed from it, with gradients.
    fileprivate var recomputingBytesPerToken: Int {
        let largest = layers.map { $0.bytesPerToken(width: width) }.max() ?? 0
        return 4 * layers.count * width + 2 * largest + computingBytesPerToken
    }

    /// The temporaries of one layer, a token.
    fileprivate var computingBytesPerToken: Int {
        let largest = layers.map {
            2 * ($0.attention.queryWidth + 2 * $0.attention.keyWidth) + 3 * $0.feedForward.widthOfRow
        }
        return 4 * (6 * width + (largest.max() ?? 0))
    }

    /// The vocabulary is projected in blocks of at most eight million logits; its gradient is as large as its weight.
    fileprivate func vocabularyBytes(head: DecoderHead, learns: Bool) -> Int {
        head == .languageModel ? 4 * (1 << 23 + (learns ? vocabularySize * width : 0)) : 0
    }
}

extension LayerSpecification {
    /// What a forward pass keeps of a layer for the backward pass, a token.
    fileprivate func bytesPerToken(width: Int) -> Int {
        let attended = 2 * attention.queryWidth + 2 * attention.keyWidth + attention.heads
        return 4 * (4 * width + attended + (feedForward.isGated ? 3 : 2) * feedForward.widthOfRow)
    }
}

import Torch

/// A decoder-only transformer over packed rows, driven by a ``DecoderSpecification``.
///
/// It computes rows of tokens without padding: which row sees which follows from the segments of ``PackedRows``. All
/// parameters lie in a ``ParameterStore`` under the names and in the layouts of Hugging Face checkpoints.
public final class DecoderModel {
    /// The configuration it was made from.
    public let configuration: ModelConfiguration
    /// How it computes.
    public let specification: DecoderSpecification
    /// What it ends in.
    public let head: DecoderHead
    /// A head beside that one, which is trained with the model and is no part of what it leaves.
    public let auxiliaryHead: AuxiliaryHead?
    /// Its parameters: in float32, but for the matrices of a base that is frozen, and those that ``WeightStorage`` has rounded.
    public let parameters: ParameterStore
    /// What is trained beside the weights, where the model is an adapter on a frozen base.
    public let adapter: AdapterLayout?
    /// The base that the model stands on, where others may share it.
    public let base: FrozenBase?
    /// Where it computes, and the type of what passes from layer to layer. Sums, scores and log-probabilities are float32, and
    /// what it tells lies on the host.
    public let placement: Placement

    /// The padding token of a reward model: it is scored at the last token that is not this one. `nil` where every token
    /// counts.
    public var padTokenID: Int32?

    /// Whether the backward pass computes each layer's inner activations anew, of which the forward pass then keeps only
    /// the layer's input: more work, less memory, the same bits.
    public var recomputesActivations = false

    /// What watches the routers of experts in passes over batches.
    package var routing: RouterRecord?

    /// What passes over batches leave out of an adapter's inputs is drawn from; `nil` where nothing is left out.
    package var dropoutSeed: UInt64?

    let layers: [DecoderLayer]
    let finalNorm: Normalization
    /// A table for each way in which some layers rotate, and which one a layer takes.
    private let rotaries: [RotaryTable]
    private let rotaryOfLayer: [Int?]

    /// A decoder whose parameters are all zero: fill them by ``initialize(seed:)``, from a ``ModelDirectory``, or by
    /// copying those of another one.
    ///
    /// - Parameter storage: how its weights are held; all in float32 where it computes in that.
    public convenience init(
        _ configuration: ModelConfiguration, head: DecoderHead, auxiliaryHead: AuxiliaryHead? = nil, trainable: Bool,
        storage: WeightStorage = .wide, placement: Placement = .float32
    ) {
        let specification = configuration.specification
        let kept = Placement(.float32, on: placement.device)
        let declarations = specification.declarations(head: head)
        let rounds = storage != .wide && placement.type != .float32
        let rounding = ParameterGroup.Rounding(
            Set(declarations.filter(specification.isRoundable).map(\.name)), to: placement.type)
        let base = ParameterGroup(
            "base", declarations, trainable: trainable, kept, rounding: rounds ? rounding : nil)
        let auxiliary = auxiliaryHead.map { $0.group(width: specification.width, trainable: trainable, kept) }
        self.init(
            configuration, head: head, auxiliaryHead: auxiliaryHead, [base] + [auxiliary].compactMap(\.self),
            masters: rounds ? storage.masters : nil, adapter: nil, placement)
    }

    /// A decoder on a frozen base: as the base's directory has it, or with an adapter, whose parameters are all zero.
    ///
    /// An adapter's decoder has a score head of its own.
    ///
    /// - Throws: as ``FrozenBase/init(_:placement:)``, where a head is read that no decoder had yet.
    public convenience init(
        on base: FrozenBase, head: DecoderHead, auxiliaryHead: AuxiliaryHead? = nil, adapter: AdapterLayout?,
        trainable: Bool
    ) throws {
        let configuration = base.directory.configuration
        let kept = Placement(.float32, on: base.placement.device)
        let own = adapter.map { layout in
            ParameterGroup(
                "adapter", layout.declarations(configuration.specification, head: head), trainable: trainable, kept)
        }
        let auxiliary = auxiliaryHead.map {
            $0.group(width: configuration.specification.width, trainable: trainable, kept)
        }
        let frozen =
            adapter != nil && head == .score ? base.groupsWithoutHead : try base.groups(with: head)
        self.init(
            configuration, head: head, auxiliaryHead: auxiliaryHead, frozen + [own, auxiliary].compactMap(\.self),
            adapter: adapter, on: base, base.placement)
    }

    private init(
        _ configuration: ModelConfiguration, head: DecoderHead, auxiliaryHead: AuxiliaryHead?,
        _ groups: [ParameterGroup], masters: WeightStorage.Share? = nil, adapter: AdapterLayout?,
        on base: FrozenBase? = nil, _ placement: Placement
    ) {
        let specification = configuration.specification
        let parameters = ParameterStore(groups, masters: masters)
        let parts = DecoderParts(specification, parameters, adapter, base?.quantized ?? [:])
        self.configuration = configuration
        (self.adapter, self.base) = (adapter, base)
        self.specification = specification
        self.head = head
        self.auxiliaryHead = auxiliaryHead
        self.parameters = parameters
        self.placement = placement
        layers = specification.layers.indices.map(parts.layer)
        finalNorm = parts.finalNorm()
        var embeddings: [RotaryEmbedding] = []
        rotaryOfLayer = specification.layers.map { layer in
            guard let embedding = layer.attention.rotary else { return nil }
            if let known = embeddings.firstIndex(of: embedding) { return known }
            embeddings.append(embedding)
            return embeddings.count - 1
        }
        rotaries = embeddings.map { RotaryTable($0, on: placement.device) }
    }

    /// The longest sequence it can compute; `nil` where positions have no bound. Callers check their data against it.
    public var maximumLength: Int? { configuration.maximumLength }

    /// The final hidden states of a batch, after the last norm: of the rows that `selected` lists, in that order,
    /// `[selected, width]`, or of all, `[rows, width]`. What the last layer computes for other rows alone is left out.
    public func hiddenStates(_ rows: PackedRows, at selected: [Int32]? = nil) -> Tensor {
        let segments = rows.segments.map { AttentionSegment(rows: $0.rows, prefix: $0.prefix) }
        let routing = routing.map { RoutedRows(record: $0, weights: rows.sequenceCounts) }
        let places = RowPlaces(
            positions: rows.positions, lengths: specification.rotaryContext == nil ? [] : rows.sequenceLengths)
        return hiddenStates(rows.tokens, places, at: selected, routing, dropout(in: rows), through: layers) {
            [recomputesActivations] _, layer, stream, rows in
            let options = layer.specification.attention.options
            let attention: DecoderLayer.Attention = {
                $0.attention($1, $2, sinks: layer.sinks, segments: segments, options)
            }
            guard recomputesActivations else { return layer(stream, rows, attention: attention) }
            var rows = rows
            return stream.recomputing { stream in
                defer { rows.routing?.isFirst = false }
                return layer(stream, rows, attention: attention)
            }
        }
    }

    /// Log-probabilities of the tokens that `predictions` names, under softmax(logits / temperature).
    public func tokenLogps(
        _ rows: PackedRows, predictions: PredictedTokens, temperature: Double = 1
    ) -> TokenLogps {
        logps(of: predictions.tokens, after: hiddenStates(rows, at: predictions.rows), temperature: temperature)
    }

    /// Log-probabilities of tokens after hidden states `[tokens, width]`.
    func logps(of tokens: [Int32], after hidden: Tensor, temperature: Double = 1) -> TokenLogps {
        precondition(
            tokens.allSatisfy { (0..<specification.vocabularySize).contains(Int($0)) }, "a token outside the vocabulary"
        )
        let found = hidden.logps(
            ofTargets: Tensor(indices: tokens, on: placement.device), vocabulary: vocabulary,
            specification.logitShape(temperature: temperature))
        return TokenLogps(logps: found.logps.placed(.float32), statistics: found.statistics.placed(.float32))
    }

    /// What a head beside the vocabulary's says of hidden states, in float32.
    func outputs(of head: Tensor, for hidden: Tensor) -> Tensor {
        hidden.converted(to: .float32).linear(head).placed(.float32)
    }

    /// The score head's output at given rows of a batch, `[n]`: rewards, or a critic's values.
    public func scores(_ rows: PackedRows, at indices: [Int32]) -> Tensor {
        precondition(head == .score, "a language model has no scores")
        return outputs(of: parameters[ParameterNames.score], for: hiddenStates(rows, at: indices)).reshaped([-1])
    }

    /// The same, and the hidden states that it is read from, `[n, width]`, in float32 where the decoder lies.
    package func scoresAndStates(_ rows: PackedRows, at indices: [Int32]) -> (scores: Tensor, states: Tensor) {
        precondition(head == .score, "a language model has no scores")
        let states = hiddenStates(rows, at: indices)
        let scores = outputs(of: parameters[ParameterNames.score], for: states).reshaped([-1])
        return (scores, states.converted(to: .float32))
    }

    /// Logits over the vocabulary, `[n, vocabulary]`, of hidden states `[n, width]`.
    public func logits(_ hidden: Tensor) -> Tensor { specification.logits(hidden.linear(vocabulary)) }

    /// Hidden states of rows whose attention the caller computes: over segments, or over a cache; through the decoder's
    /// own layers, or others that compute the same.
    func hiddenStates(
        tokens: [Int32], _ places: RowPlaces, at selected: [Int32]? = nil, through layers: [DecoderLayer]? = nil,
        attention: (_ layer: Int, _ query: Tensor, _ key: Tensor, _ value: Tensor) -> Tensor
    ) -> Tensor {
        hiddenStates(tokens, places, at: selected, nil, nil, through: layers ?? self.layers) {
            index, layer, stream, rows in
            layer(stream, rows) { attention(index, $0, $1, $2) }
        }
    }

    private func hiddenStates(
        _ tokens: [Int32], _ places: RowPlaces, at selected: [Int32]?, _ routing: RoutedRows?,
        _ dropout: LowRankDropout?, through layers: [DecoderLayer],
        _ apply: (_ index: Int, DecoderLayer, _ stream: Tensor, DecoderLayer.Rows) -> Tensor
    ) -> Tensor {
        let rotations = rotaries.map { $0(places.positions, lengths: places.lengths) }
        var rows = DecoderLayer.Rows(routing: routing, dropout: dropout)
        let selected = selected.map { Tensor(indices: $0, on: placement.device) }
        var stream = embedded(tokens, places.positions)
        for (index, layer) in layers.enumerated() {
            rows.rotation = rotaryOfLayer[index].map { rotations[$0] }
            // All rows of a router that is watched count.
            if index == layers.count - 1, routing == nil { rows.selected = selected }
            stream = apply(index, layer, stream, rows)
        }
        return finalNorm(routing == nil ? stream : selected.map { stream.selecting($0) } ?? stream)
    }

    private func embedded(_ tokens: [Int32], _ positions: [Int32]) -> Tensor {
        let names = specification.names
        let rows = { (indices: [Int32]) in Tensor(indices: indices, on: self.placement.device) }
        var embeddings = parameters[names.embedding].embedding(rows(tokens))
        if specification.embeddingScale != 1 { embeddings = embeddings * specification.embeddingScale }
        guard let count = specification.positionTable else { return embeddings.converted(to: placement.type) }
        precondition(positions.allSatisfy { $0 < count }, "a position past the \(count) that the model has")
        return (embeddings + parameters[names.positions].embedding(rows(positions))).converted(to: placement.type)
    }

    /// The weight of the projection to the vocabulary.
    var vocabulary: Tensor {
        precondition(head == .languageModel, "a score model has no logits")
        return parameters[specification.tiesEmbeddings ? specification.names.embedding : specification.names.head]
    }
}

import Torch
import Transformers

/// A model that a rank will hold in a stage.
package struct PlannedModel {
    /// How it computes.
    package let specification: DecoderSpecification
    /// The frozen weights that it stands on, which others may share; `nil` for a model of its own weights.
    package var base: String?
    /// Whether those lie in 8 bits, where they may.
    package var isQuantized = false
    /// What is trained beside them.
    package var adapter: AdapterLayout?

    /// A model of its own weights.
    package init(_ specification: DecoderSpecification) { self.specification = specification }

    /// How many numbers of its own it has: all, or those of its adapter.
    package func ownCount(head: DecoderHead) -> Int {
        if let adapter { return adapter.ending(in: head, specification).parameterCount(specification, head: head) }
        return base == nil ? specification.parameterCount(head: head) : 0
    }

    /// How many of them may lie in the type that it computes in.
    func roundableCount(head: DecoderHead) -> Int {
        guard base == nil else { return 0 }
        return specification.declarations(head: head).filter(specification.isRoundable).reduce(0) {
            $0 + $1.shape.reduce(1, *)
        }
    }

    /// How many of its gradients a backward pass holds at once, where each layer's go as soon as they are found; that of a head
    /// with a vocabulary of its own left out.
    func gradientsAtOnce(head: DecoderHead) -> Int {
        if let adapter { return adapter.declarations(specification, head: head).countOfLargestLayer }
        let layer = specification.declarations(head: head).countOfLargestLayer
        // A tied vocabulary has one from either end of the model.
        let isLate = head == .score || specification.tiesEmbeddings
        return max(layer, isLate ? specification.vocabularySize * specification.width : 0)
    }

    /// Bytes of the frozen weights under it, heads aside, where matrices lie in a type.
    func bodyBytes(_ type: ScalarType) -> Int {
        let whole = Self.bytes(body, type)
        guard isQuantized else { return whole }
        let (numbers, rows) = specification.quantizedCounts
        return whole - numbers * type.size + numbers + 4 * rows
    }

    /// Bytes of the frozen head that it ends in; none of an adapter's score head, which is its own.
    func headBytes(_ head: DecoderHead, _ type: ScalarType) -> Int {
        guard adapter == nil || head == .languageModel else { return 0 }
        let known = Set(body.map(\.name))
        return Self.bytes(specification.declarations(head: head).filter { !known.contains($0.name) }, type)
    }

    private var body: [ParameterGroup.Declaration] {
        let scored = Set(specification.declarations(head: .score).map(\.name))
        return specification.declarations(head: .languageModel).filter { scored.contains($0.name) }
    }

    private static func bytes(_ declarations: [ParameterGroup.Declaration], _ type: ScalarType) -> Int {
        declarations.reduce(0) { $0 + $1.shape.reduce(1, *) * ($1.decays ? type.size : 4) }
    }
}

extension StagePlanner {
    /// A model as a stage loads it, which is as ``ModelStore`` does.
    package func model(
        _ reference: ArtifactReference, in stage: StageConfiguration, _ training: ModelStore.Training
    ) throws -> PlannedModel {
        var model = PlannedModel(try specification(of: reference))
        guard !configuration.randomInit || reference != .base else { return model }
        let outline = try configuration.outline(ofModel: reference)
        let options = stage.stage.adapter
        let trainsAdapter = options?.usesAdapter ?? false
        guard trainsAdapter || training == .none && outline.adapter != nil else { return model }
        model.base = outline.weights
        if let options, options.loadsIn8Bit {
            let trained = try stage.initialModel.map { try configuration.outline(ofModel: $0).weights }
            model.isQuantized = training != .none || outline.weights == trained
        }
        model.adapter = outline.adapter
        if let options, training != .none, outline.adapter == nil {
            model.adapter = try AdapterLayout(options.new(for: outline.configuration), for: outline.configuration)
        }
        return model
    }
}

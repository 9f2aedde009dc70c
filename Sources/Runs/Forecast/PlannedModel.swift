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
        if let adapter { return adapter.parameterCount(specification, head: head) }
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

    /// Bytes that are frozen under it, where matrices lie in a type.
    func frozenBytes(head: DecoderHead, _ type: ScalarType) -> Int {
        guard base != nil else { return 0 }
        // An adapter has a score head of its own.
        let declarations = specification.declarations(head: adapter == nil ? head : .languageModel)
        let count = { (decays: Bool) in
            declarations.filter { $0.decays == decays }.reduce(0) { $0 + $1.shape.reduce(1, *) }
        }
        guard isQuantized else { return count(true) * type.size + 4 * count(false) }
        let (numbers, rows) = specification.quantizedCounts
        return (count(true) - numbers) * type.size + numbers + 4 * (count(false) + rows)
    }
}

extension StagePlanner {
    /// A model as a stage loads it, which is as ``ModelStore`` does.
    package func model(
        _ reference: ArtifactReference, in stage: StageConfiguration, _ training: ModelStore.Training
    ) throws -> PlannedModel {
        var model = PlannedModel(try specification(of: reference))
        guard !configuration.randomInit || configuration.origin(ofModel: reference) != .base else { return model }
        let outline = try configuration.outline(ofModel: reference)
        let options = stage.stage.adapter
        let trainsAdapter = options?.usesAdapter ?? false
        guard trainsAdapter || training == .none && outline.adapter != nil else { return model }
        (model.base, model.isQuantized) = (outline.weights, options?.loadsIn8Bit ?? false)
        let fresh = training == .none ? nil : try options?.new(for: outline.configuration)
        model.adapter = try (outline.adapter ?? fresh).map { try AdapterLayout($0, for: outline.configuration) }
        return model
    }
}

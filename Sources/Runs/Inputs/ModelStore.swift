import Foundation
import Torch
import Transformers

/// What a model ends in.
package typealias ModelHead = DecoderHead

/// The models of a run, by what the configuration calls them.
package struct ModelStore {
    package let plan: RunPlan
    private let families: ModelFamilies
    /// Where models compute, and in which type.
    package let placement: Placement

    private let adapter: AdapterOptions?
    private let initial: ArtifactReference?
    private let bases: FrozenBases

    /// - Parameters:
    ///   - compute: What a stage says of where its models compute.
    ///   - adapter: What it says of adapters that it trains.
    ///   - initial: What the model starts from that the stage trains.
    ///   - bases: The frozen weights that its models share.
    package init(
        _ plan: RunPlan, _ compute: ComputeOptions? = nil, adapter: AdapterOptions? = nil,
        initial: ArtifactReference? = nil, bases: FrozenBases = FrozenBases()
    ) {
        self.plan = plan
        (self.adapter, self.initial, self.bases) = (adapter, initial, bases)
        placement = compute?.placement(own: plan.device) ?? .float32
        families = plan.configuration.registry.families
    }

    /// The directory that a reference stands for.
    package func directory(of reference: ArtifactReference) -> URL { RunFiles(plan).model(reference) }

    /// What `config.json` says of the model that a reference stands for, or of its base.
    package func configuration(of reference: ArtifactReference) throws -> ModelConfiguration {
        try model(of: reference).configuration
    }

    /// The directory that a reference stands for, as a model.
    package func model(of reference: ArtifactReference) throws -> ModelDirectory {
        try self.directory(directory(of: reference))
    }

    /// A model's directory; the base of an adapter that names none which is there is the run's base model.
    private func directory(_ url: URL) throws -> ModelDirectory {
        try ModelDirectory(url, families: families, adapterBase: plan.configuration.adapterBase)
    }

    /// Who trains a model.
    package enum Training {
        /// Nobody.
        case none
        /// This process.
        case here
        /// Others, whose weights it takes over.
        case elsewhere
    }

    /// Loads the model that a reference stands for.
    ///
    /// The base model is drawn at random where the run asks for it; a policy loaded with a score head gets a new one,
    /// and an auxiliary head is always new. One that is trained has an adapter where the stage trains those: that of an
    /// adapter's directory, or a new one.
    ///
    /// - Parameter storage: How the weights of a model that is trained whole are held.
    package func load(
        _ reference: ArtifactReference, head: ModelHead, auxiliaryHead: AuxiliaryHead? = nil, training: Training,
        storage: WeightStorage = .wide, seed: UInt64
    ) throws -> DecoderModel {
        let directory = directory(of: reference)
        guard isDrawn(reference) else {
            let model = try load(
                directory, head: head, auxiliaryHead: auxiliaryHead, training: training, storage: storage,
                newHeadSeed: seed)
            model.initializeAuxiliaryHead(seed: seed)
            return model
        }
        let model = DecoderModel(
            try configuration(of: reference), head: head, auxiliaryHead: auxiliaryHead, trainable: training == .here,
            storage: storage, placement: placement)
        // Every stage that starts from the base model starts from the same one.
        model.initialize(seed: UInt64(plan.configuration.seed))
        model.initializeAuxiliaryHead(seed: seed)
        return model
    }

    /// The parameters of the policy that a reference stands for, one at a time, on the host; a base model that is drawn at
    /// random is in memory whole.
    package func parameters(of reference: ArtifactReference) throws -> ModelParameters {
        if isDrawn(reference) {
            return ModelParameters(
                try ModelStore(plan).load(reference, head: .languageModel, training: .none, seed: 0))
        }
        return try ModelParameters(model(of: reference))
    }

    /// Whether a reference stands for a model that no files hold.
    package func isDrawn(_ reference: ArtifactReference) -> Bool {
        reference == .base && plan.configuration.randomInit
    }

    /// Loads a reward model, which must have its score head.
    package func loadReward(_ reference: ArtifactReference) throws -> DecoderModel {
        try load(directory(of: reference), head: .score, training: .none)
    }

    /// Loads the model in a directory.
    ///
    /// - Parameters:
    ///   - storage: How the weights of a model that is trained whole are held.
    ///   - newHeadSeed: Draws a score head where the directory has none, and a new adapter; without it a head that is missing is
    ///     an error.
    package func load(
        _ url: URL, head: ModelHead, auxiliaryHead: AuxiliaryHead? = nil, training: Training,
        storage: WeightStorage = .wide, newHeadSeed: UInt64? = nil
    ) throws -> DecoderModel {
        let directory = try directory(url)
        let trainsAdapter = adapter?.usesAdapter ?? false
        // Frozen models stand on a base that others may share; whole weights are trained in a copy.
        guard trainsAdapter || training == .none && directory.adapter != nil else {
            return try directory.decoder(
                head: head, auxiliaryHead: auxiliaryHead, trainable: training == .here, scoreSeed: newHeadSeed,
                storage: storage, placement: placement)
        }
        var fresh: AdapterLayout?
        if let adapter, training != .none, directory.adapter == nil {
            fresh = try AdapterLayout(try adapter.new(for: directory.configuration), for: directory.configuration)
        }
        return try directory.decoder(
            on: try bases.base(
                directory.base, placement, isQuantized: isQuantized(directory, isTrained: training != .none)),
            head: head,
            auxiliaryHead: auxiliaryHead, adding: fresh,
            dropout: training == .none ? 0 : adapter?.dropout, trainable: training == .here, seed: newHeadSeed)
    }

    /// Whether the weights that a model stands on lie in 8 bits: of those alone that an adapter is trained on, since they would
    /// make another model of a frozen one.
    private func isQuantized(_ directory: ModelDirectory, isTrained: Bool) throws -> Bool {
        guard let adapter, adapter.loadsIn8Bit else { return false }
        if isTrained { return true }
        return try initial.map { try model(of: $0).base.url.standardizedFileURL }
            == directory.base.url.standardizedFileURL
    }

    /// Reads the weights of a directory into a model of the same shape.
    package func load(_ directory: URL, into model: DecoderModel) throws {
        try self.directory(directory).load(into: model)
    }

    /// The padding token of the reward model that a reference stands for, as ``ModelDirectory/scoredPadTokenID()``.
    package func scoredPadTokenID(of reference: ArtifactReference) throws -> Int32? {
        if isDrawn(reference) { return nil }
        return try model(of: reference).scoredPadTokenID()
    }

    /// Writes a model as a Hugging Face directory, with the run's tokenizer, chat template and end token; one with an adapter as
    /// that alone.
    ///
    /// - Parameter weights: float32 for what training goes on from, and ``placement``'s type for what it leaves.
    package func save(
        _ model: DecoderModel, to directory: URL, _ weights: SavedWeights, text: TextPipeline
    ) throws {
        if model.adapter != nil, let base = model.base?.directory {
            try model.saveAdapter(to: directory)
            try bases.identity(of: base).write(to: directory, base: base.url)
            return try text.savedTokenizer.write(to: directory)
        }
        let pad = model.head == .score ? model.padTokenID ?? text.paddingID(for: model.configuration) : nil
        try model.save(to: directory, weights, padTokenID: pad, endTokenID: text.toldEnd?.id)
        try text.savedTokenizer.write(to: directory)
    }

    /// Writes a policy that a stage leaves in the same way, one parameter at a time.
    ///
    /// - Parameter parameter: Gives the parameter of a name, contiguous float32; asked for each once.
    package func save(
        _ configuration: ModelConfiguration, to directory: URL, text: TextPipeline,
        parameter: (String) throws -> Tensor
    ) throws {
        try configuration.save(
            head: .languageModel, to: directory, endTokenID: text.toldEnd?.id, as: placement.type, parameter: parameter)
        try text.savedTokenizer.write(to: directory)
    }
}

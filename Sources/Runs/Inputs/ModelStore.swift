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

    /// - Parameter compute: What a stage says of where its models compute.
    package init(_ plan: RunPlan, _ compute: ComputeOptions? = nil) {
        self.plan = plan
        placement = compute?.placement(own: plan.device) ?? .float32
        families = plan.configuration.registry.families
    }

    /// The directory that a reference stands for.
    package func directory(of reference: ArtifactReference) -> URL { RunFiles(plan).model(reference) }

    /// What `config.json` says of the model that a reference stands for.
    package func configuration(of reference: ArtifactReference) throws -> ModelConfiguration {
        try ModelConfiguration(directory: directory(of: reference), families: families)
    }

    /// Loads the model that a reference stands for.
    ///
    /// The base model is drawn at random where the run asks for it; a policy loaded with a score head gets a new one,
    /// and an auxiliary head is always new.
    package func load(
        _ reference: ArtifactReference, head: ModelHead, auxiliaryHead: AuxiliaryHead? = nil, trainable: Bool,
        seed: UInt64
    ) throws -> DecoderModel {
        let directory = directory(of: reference)
        guard isDrawn(reference) else {
            let model = try load(
                directory, head: head, auxiliaryHead: auxiliaryHead, trainable: trainable, newHeadSeed: seed)
            model.initializeAuxiliaryHead(seed: seed)
            return model
        }
        let model = DecoderModel(
            try configuration(of: reference), head: head, auxiliaryHead: auxiliaryHead, trainable: trainable,
            placement: placement)
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
                try ModelStore(plan).load(reference, head: .languageModel, trainable: false, seed: 0))
        }
        return try ModelParameters(ModelDirectory(directory(of: reference), families: families))
    }

    /// Whether a reference stands for a model that no files hold.
    package func isDrawn(_ reference: ArtifactReference) -> Bool {
        reference == .base && plan.configuration.randomInit
    }

    /// Loads a reward model, which must have its score head.
    package func loadReward(_ reference: ArtifactReference) throws -> DecoderModel {
        try load(directory(of: reference), head: .score, trainable: false)
    }

    /// Loads the model in a directory.
    ///
    /// - Parameter newHeadSeed: Draws a score head where the directory has none; without it that is an error.
    package func load(
        _ directory: URL, head: ModelHead, auxiliaryHead: AuxiliaryHead? = nil, trainable: Bool,
        newHeadSeed: UInt64? = nil
    ) throws -> DecoderModel {
        try ModelDirectory(directory, families: families).decoder(
            head: head, auxiliaryHead: auxiliaryHead, trainable: trainable, scoreSeed: newHeadSeed, placement: placement
        )
    }

    /// Reads the weights of a directory into a model of the same shape.
    package func load(_ directory: URL, into model: DecoderModel) throws {
        try ModelDirectory(directory, families: families).load(into: model)
    }

    /// The padding token of the reward model that a reference stands for, as ``ModelDirectory/scoredPadTokenID()``.
    package func scoredPadTokenID(of reference: ArtifactReference) throws -> Int32? {
        if isDrawn(reference) { return nil }
        return try ModelDirectory(directory(of: reference), families: families).scoredPadTokenID()
    }

    /// Writes a model as a Hugging Face directory, with the run's tokenizer, chat template and end token.
    ///
    /// - Parameter type: That of weights: float32 for what training goes on from, and ``placement``'s for what it leaves.
    package func save(
        _ model: DecoderModel, to directory: URL, as type: ScalarType = .float32, text: TextPipeline
    ) throws {
        let pad = model.head == .score ? model.padTokenID ?? text.paddingID(for: model.configuration) : nil
        try model.save(to: directory, padTokenID: pad, endTokenID: text.toldEnd?.id, as: type)
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

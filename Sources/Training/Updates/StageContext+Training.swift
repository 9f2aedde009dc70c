import Runs
import Transformers

extension StageContext {
    /// Held-out examples, where the stage has any.
    package func evalExamples<Example>(_ loop: TrainingLoopOptions, _ read: ([ArtifactReference]) throws -> [Example])
        throws
        -> [Example]
    {
        try data.files(loop.evalData).isEmpty ? [] : try read(loop.evalData)
    }

    /// The model that training starts from: the stage's checkpoint where there is one, else `initial`.
    package func trainable(
        _ initial: ArtifactReference, head: ModelHead, auxiliaryHead: AuxiliaryHead? = nil
    ) throws -> DecoderModel {
        if let checkpoint {
            let directory = checkpoints.url(ofStep: checkpoint)
            let model = try models.load(directory, head: head, auxiliaryHead: auxiliaryHead, training: .here)
            try model.loadAuxiliaryHead(from: directory)
            // The checkpoint's own is there for whoever reads it; training goes on where it began.
            if model.adapter == nil {
                model.padTokenID = head == .score ? try models.scoredPadTokenID(of: initial) : nil
            }
            return model
        }
        return try models.load(initial, head: head, auxiliaryHead: auxiliaryHead, training: .here, seed: seed)
    }

    /// A model that is trained, from the stage's checkpoint where there is one.
    package func trained(
        _ initial: ArtifactReference, _ head: ModelHead, _ training: ModelStore.Training, part: String? = nil
    ) throws -> DecoderModel {
        if let checkpoint {
            let directory = checkpoints.url(ofStep: checkpoint)
            return try models.load(
                part.map { directory.appending(path: $0) } ?? directory, head: head, training: training)
        }
        return try models.load(initial, head: head, training: training, seed: seed)
    }
}

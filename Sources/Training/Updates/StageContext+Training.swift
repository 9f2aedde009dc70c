import MPI
import Runs
import Torch
import Transformers

extension OptimizerOptions {
    /// Whether learners hold weights as they are rounded to be used, and divide what these are rounded from.
    package var roundsWeights: Bool { zero == 2 && WeightStorage.canRound }

    /// How weights that are trained by these learners are held: by one of them, or with `nil` by a process that computes with them.
    package func storage(over learners: Communicator?) -> WeightStorage {
        guard roundsWeights else { return .wide }
        return .rounded(masters: learners.map { WeightStorage.Share($0.rank, of: $0.size) })
    }
}

extension StageContext {
    /// Held-out examples, where the stage has any.
    package func evalExamples<Example>(_ loop: TrainingLoopOptions, _ read: ([ArtifactReference]) throws -> [Example])
        throws
        -> [Example]
    {
        try data.files(loop.evalData).isEmpty ? [] : try read(loop.evalData)
    }

    /// The model that training of all workers starts from: the stage's checkpoint where there is one, else `initial`.
    package func trainable(
        _ initial: ArtifactReference, head: ModelHead, auxiliaryHead: AuxiliaryHead? = nil,
        _ optimizer: OptimizerOptions
    ) throws -> DecoderModel {
        let storage = optimizer.storage(over: workers)
        if let checkpoint {
            let directory = checkpoints.url(ofStep: checkpoint)
            let model = try models.load(
                directory, head: head, auxiliaryHead: auxiliaryHead, training: .here, storage: storage)
            try model.loadAuxiliaryHead(from: directory)
            // The checkpoint's own is there for whoever reads it; training goes on where it began.
            if model.adapter == nil {
                model.padTokenID = head == .score ? try models.scoredPadTokenID(of: initial) : nil
            }
            return model
        }
        return try models.load(
            initial, head: head, auxiliaryHead: auxiliaryHead, training: .here, storage: storage, seed: seed)
    }

    /// A model that is trained, from the stage's checkpoint where there is one.
    ///
    /// - Parameter storage: How its weights are held.
    package func trained(
        _ initial: ArtifactReference, _ head: ModelHead, _ training: ModelStore.Training,
        storage: WeightStorage = .wide, part: String? = nil
    ) throws -> DecoderModel {
        if let checkpoint {
            let directory = checkpoints.url(ofStep: checkpoint)
            return try models.load(
                part.map { directory.appending(path: $0) } ?? directory, head: head, training: training,
                storage: storage)
        }
        return try models.load(initial, head: head, training: training, storage: storage, seed: seed)
    }
}

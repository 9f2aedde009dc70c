import Objectives
import PreferenceData
import Transformers

/// Supervised fine-tuning: next-token loss on responses alone.
package struct SFTObjective: OfflineObjective {
    package init() {}

    package func weight(of example: TokenizedCompletion) -> Int {
        // The first token of a response to nothing is not predicted.
        example.completion.count - (example.prompt.isEmpty ? 1 : 0)
    }

    package func loss(
        _ model: DecoderModel, _ batch: ResponseBatch, stepWeight: Int
    ) -> LossTerm<SupervisedMetrics> {
        SupervisedLoss()(model.tokenLogps(batch.rows, predictions: batch.predictions), globalTokens: stepWeight)
    }
}

extension StageContext {
    package func runSFT(_ options: SFTOptions) throws {
        let data = try data.completions(options.data, options.lengths)
        try note(data.summary)
        let eval = try evalExamples(options.loop) { try self.data.completions($0, options.lengths).examples }
        let model = try trainable(options.initial, head: .languageModel)
        let trainer = OfflineTrainer(
            context: self, model: model, objective: SFTObjective(), loop: options.loop, optimizer: options.optimizer)
        try trainer.train(data.examples, eval: eval) { try models.save(model, to: $0, text: text) }
    }

    /// Held-out examples, where the stage has any.
    package func evalExamples<Example>(_ loop: TrainingLoopOptions, _ read: ([ArtifactReference]) throws -> [Example])
        throws
        -> [Example]
    {
        data.files(loop.evalData).isEmpty ? [] : try read(loop.evalData)
    }

    /// The model that training starts from: the stage's checkpoint where there is one, else `initial`.
    package func trainable(_ initial: ArtifactReference, head: ModelHead) throws -> DecoderModel {
        if let checkpoint {
            let model = try models.load(checkpoints.url(ofStep: checkpoint), head: head, trainable: true)
            // The checkpoint's own is there for whoever reads it; training goes on where it began.
            model.padTokenID = head == .score ? try models.scoredPadTokenID(of: initial) : nil
            return model
        }
        return try models.load(initial, head: head, trainable: true, seed: seed)
    }
}

import Objectives
import PreferenceData
import Runs
import Torch
import Training
import Transformers

/// A loss of answers with a label, against what a frozen model said of them, and of the mismatched completions, once.
package struct KTOObjective: OfflineObjective {
    package let loss: UnpairedLoss
    private let reference: ReferencePair
    private let desirable: Set<Int>

    /// - Parameters:
    ///   - reference: The sums of each answer and, where the loss needs them, of its mismatched completion.
    ///   - answers: All that there are, the held-out ones by the indices of ``ReferencePair/heldOut(_:)``.
    package init(loss: UnpairedLoss, reference: ReferencePair, answers: [TokenizedAnswer]) {
        (self.loss, self.reference) = (loss, reference)
        desirable = Set(answers.lazy.filter(\.isDesirable).map(\.index))
    }

    package func weights(of example: TokenizedAnswer) -> [Int] { [1] }

    package func loss(_ model: DecoderModel, _ batch: ResponseBatch, of step: OfflineStep) -> LossTerm<UnpairedMetrics>
    {
        let sums = batch.indices.map { Float(reference.sums(of: $0).chosen) }
        let answers = UnpairedBatch(
            model.tokenLogps(batch.rows, predictions: batch.predictions),
            answers: batch.predictions.sequences.map(Int.init), referenceLogps: Tensor(sums),
            isDesirable: batch.indices.map(desirable.contains))
        return loss(answers, divergence: divergence(of: step), globalAnswers: step.weights[0])
    }

    // MARK: The divergence of the whole step

    package var wholeStepTerms: Int { loss.needsDivergence ? 1 : 0 }

    package func stepExample(of example: TokenizedAnswer) -> TokenizedCompletion {
        TokenizedCompletion(index: example.index, prompt: example.prompt, completion: example.mismatched)
    }

    /// The sums of mismatched completions under the policy and the reference, and their log-ratios.
    package func scores(_ model: DecoderModel, _ batch: ResponseBatch, of step: OfflineStep) -> [[StepPairs.Scores]] {
        // The one token of a completion that begins the text is not predicted.
        let policy =
            batch.predictions.count == 0
            ? batch.indices.map { _ in 0 }
            : model.tokenLogps(batch.rows, predictions: batch.predictions).logps.summed(
                intoGroups: Tensor(indices: batch.predictions.sequences), count: batch.sequenceCount
            ).doubles()
        return [
            zip(batch.indices, policy).map { index, policy in
                let reference = reference.sums(of: index).rejected
                return StepPairs.Scores(chosen: policy, rejected: reference, margin: policy - reference)
            }
        ]
    }

    private func divergence(of step: OfflineStep) -> Double {
        guard loss.needsDivergence else { return 0 }
        guard let scores = step.pairs?.scores else { preconditionFailure("a step without its mismatched completions") }
        return MismatchedDivergence.estimate(scores.map(\.margin))
    }
}

extension TokenizedAnswer {
    /// The answer and the mismatched completion, which a reference is asked about together.
    package var withMismatched: TokenizedPair {
        TokenizedPair(index: index, prompt: prompt, chosen: completion, rejected: mismatched)
    }

    /// The answer alone.
    package var alone: TokenizedCompletion { TokenizedCompletion(index: index, prompt: prompt, completion: completion) }
}

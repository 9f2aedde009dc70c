import Configuration
import Objectives
import Runs
import Training

/// Supervised fine-tuning: next-token loss on the response only.
package struct SFTOptions: Sendable, Equatable {
    /// The model that training starts from.
    package var initial = ArtifactReference.base
    /// Prompts with completions, or pairs, whose chosen response is taken.
    package var data: [ArtifactReference] = [.dataset(.train)]
    /// AdamW.
    package var optimizer = OptimizerOptions(learningRate: 2e-5)
    /// Whether all answers of a conversation are learned, and in completions nothing but answers.
    package var assistantOnlyLoss = false
    /// Steps and batches.
    package var loop = TrainingLoopOptions()
    /// How long an example may be.
    package var lengths = LengthOptions()
    /// Where its models compute.
    package var compute = ComputeOptions()
    /// Whether an adapter is trained.
    package var adapter = AdapterOptions()

    /// The defaults.
    package init() {}
}

extension SFTOptions: KeyedOptions {
    package static let fields = Field<Self>.list {
        Field.input("init", \.initial, .policy, startsModel: true, "Model that training starts from.")
        Field.input(
            "data", \.data, .rows(.completions),
            "Prompts with completions, or pairs, of which the chosen response is taken.")
        Field(
            "assistant_only_loss", \.assistantOnlyLoss,
            "Learn every answer of the assistant in `messages`, and of completions the answers alone: what the template's "
                + "`{% generation %}` blocks hold, or where it has none each turn from its generation prompt to its end. "
                + "Turns with `train: false` or `weight: 0` are left out; `max_prompt_length` bounds what stands before the first answer."
        )
        embed(\.optimizer)
        embed(\.loop, TrainingLoopOptions.fields(evaluating: .completions))
        embed(\.lengths, default: "the dataset's")
        embed(\.compute, default: "the run's")
        embed(\.adapter)
    }
}

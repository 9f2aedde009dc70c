import Configuration
import PreferenceData

/// The run's data, and how long and bad examples are treated where a stage does not say otherwise.
package struct DatasetOptions: Sendable, Equatable {
    /// Files of preference pairs or prompts to train on.
    package var train: [String] = []
    /// Held-out files.
    package var eval: [String] = []
    /// What happens at a line that is not a valid record.
    package var onBadRecord: BadRecordPolicy = .fail
    /// How long an example may be.
    package var lengths = LengthOptions()

    /// No files.
    package init() {}
}

extension DatasetOptions: KeyedOptions {
    package static let fields = Field<Self>.list {
        Field("train", \.train, "JSONL or JSONL.gz files to train on: pairs, prompts, or prompts with completions.")
        Field("eval", \.eval, "Held-out files in the same layouts.")
        Field(
            "on_bad_record", \.onBadRecord,
            "Whether a line that is no valid record ends the run or is skipped and counted.")
        embed(\.lengths, effect: .free)
    }
}

import Configuration
import PreferenceData

/// The run's data, and how long and bad examples are treated where a stage does not say otherwise.
package struct DatasetOptions: Sendable, Equatable {
    /// Files or directories of preference pairs or prompts to train on.
    package var train: [String] = []
    /// Held-out ones.
    package var eval: [String] = []
    /// The configuration of a directory that has several.
    package var config: String?
    /// The split of a directory under ``train`` that has several.
    package var trainSplit: String?
    /// The split of a directory under ``eval`` that has several.
    package var evalSplit: String?
    /// The columns that hold what records are read from.
    package var columns = ColumnNames()
    /// What happens at a line that is not a valid record.
    package var onBadRecord: BadRecordPolicy = .fail
    /// How long an example may be.
    package var lengths = LengthOptions()

    /// No files.
    package init() {}
}

extension DatasetOptions: KeyedOptions {
    package static let fields = Field<Self>.list {
        Field(
            "train", \.train,
            "Files to train on, or directories of them: pairs, prompts, or prompts with completions, as Parquet, Arrow, JSONL, "
                + "JSON or CSV.")
        Field("eval", \.eval, "Held-out files or directories in the same layouts.")
        // What they choose is compared by what the files hold.
        Field(
            "config", \.config, effect: .free,
            "The configuration of a directory that has several, as `README.md` names it.")
        Field(
            "train_split", \.trainSplit, effect: .free,
            "The split of directories under `train`, for those that have several, such as `train_prefs`.")
        Field("eval_split", \.evalSplit, effect: .free, "The split of directories under `eval`, such as `test_prefs`.")
        columnsField
        Field(
            "on_bad_record", \.onBadRecord,
            "Whether a row that is no valid record ends the run or is skipped and counted.")
        embed(\.lengths, effect: .free)
    }
}

extension DatasetOptions {
    private static let columnsField: Field<Self> = {
        var field = Field<Self>(
            "columns", \.columns,
            "Columns that have other names, as in `{prompt: question, chosen: good, rejected: bad}`: of prompt, system, chosen, "
                + "rejected, completion, messages, label, answer, tools, documents and chat_template_kwargs; `none` leaves "
                + "out one of the columns system, label, answer, tools, documents and chat_template_kwargs. A column that no row of "
                + "train, or of eval, has is an error.")
        field.advice = { ColumnNames.advice(on: $0) }
        return field
    }()
}

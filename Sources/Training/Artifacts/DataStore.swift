import Foundation
import PreferenceData

/// The data of a run, by what the configuration calls it.
struct DataStore {
    private let plan: RunPlan
    private let text: TextPipeline

    init(_ plan: RunPlan, _ text: TextPipeline) {
        self.plan = plan
        self.text = text
    }

    /// Records as they were read, and as token ids.
    struct Loaded<Record: DatasetRecord, Example: PackableExample> {
        var records: [Record]
        var examples: [Example]
        /// What was skipped and cut, for the person who watches.
        var summary: String
    }

    /// Preference pairs within `lengths`.
    func pairs(_ references: [ArtifactReference], _ lengths: LengthOptions) throws
        -> Loaded<PreferencePair, TokenizedPair>
    {
        try load(references, lengths.limits()) { try $0.tokenize($1) }
    }

    /// Prompts with a response to learn from, within `lengths`.
    func completions(_ references: [ArtifactReference], _ lengths: LengthOptions) throws
        -> Loaded<PromptCompletion, TokenizedCompletion>
    {
        try load(references, lengths.limits()) { try $0.tokenize($1) }
    }

    /// Prompts no longer than `prompt` allows.
    func prompts(_ references: [ArtifactReference], _ prompt: PromptOptions, limit: Int? = nil) throws
        -> Loaded<Prompt, TokenizedPrompt>
    {
        try load(references, prompt.limits(), limit: limit) { try $0.tokenize($1) }
    }

    /// The files that references stand for.
    func files(_ references: [ArtifactReference]) -> [URL] { RunFiles(plan).data(references) }

    private func load<Record: DatasetRecord, Example: PackableExample>(
        _ references: [ArtifactReference], _ limits: LengthLimits, limit: Int? = nil,
        _ tokenize: (ExampleTokenizer, [Record]) throws -> TokenizedDataset<Example>
    ) throws -> Loaded<Record, Example> {
        let dataset = try Dataset<Record>(
            reading: files(references), onBadRecord: plan.configuration.dataset.onBadRecord, limit: limit)
        var tokenizer = try text.exampleTokenizer(limits)
        tokenizer.onBadRecord = plan.configuration.dataset.onBadRecord
        let tokenized = try tokenize(tokenizer, dataset.records)
        return Loaded(
            records: dataset.records, examples: tokenized.examples, summary: dataset.text(with: tokenized.summary))
    }
}

extension LengthOptions {
    /// As what reads data takes them.
    func limits() throws -> LengthLimits {
        try LengthLimits(
            maxLength: maxLength, maxPromptLength: prompt.maxPromptLength, mode: prompt.truncationMode)
    }
}

extension PromptOptions {
    /// As what reads data takes them.
    func limits() throws -> LengthLimits {
        try LengthLimits(maxLength: nil, maxPromptLength: maxPromptLength, mode: truncationMode)
    }
}

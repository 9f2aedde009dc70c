import Foundation
import PreferenceData

/// The data of a run, by what the configuration calls it.
package struct DataStore {
    private let plan: RunPlan
    private let text: TextPipeline

    package init(_ plan: RunPlan, _ text: TextPipeline) {
        self.plan = plan
        self.text = text
    }

    /// Records as token ids and, where they were asked for, as they were read.
    package struct Loaded<Record: DatasetRecord, Example: PackableExample> {
        /// Empty unless asked for: the text of a data set takes more memory than its ids.
        package var records: [Record]
        package var examples: [Example]
        /// What was skipped and cut, for the person who watches.
        package var summary: String

        /// The prompts of the examples, without records.
        package var prompts: Loaded<Prompt, TokenizedPrompt> {
            Loaded<Prompt, TokenizedPrompt>(
                records: [], examples: examples.map { TokenizedPrompt(index: $0.index, prompt: $0.prompt) },
                summary: summary)
        }
    }

    /// Preference pairs within `lengths`.
    ///
    /// - Parameters:
    ///   - variants: Makes texts of each response's, which are tokenized beside it.
    ///   - visit: Sees the record of each pair that the limits keep.
    package func pairs(
        _ references: [ArtifactReference], _ lengths: LengthOptions, keepsRecords: Bool = false,
        variants: ((String) -> [String])? = nil, visiting visit: (PreferencePair) throws -> Void = { _ in }
    ) throws -> Loaded<PreferencePair, TokenizedPair> {
        try load(references, lengths.limits(), keepsRecords: keepsRecords) {
            let count = $2.examples.count
            try $0.add($1, to: &$2, variants: variants)
            if $2.examples.count > count { try visit($1) }
        }
    }

    /// Preference pairs within `limits`.
    package func pairs(_ references: [ArtifactReference], _ limits: LengthLimits, keepsRecords: Bool) throws
        -> Loaded<PreferencePair, TokenizedPair>
    {
        try load(references, limits, keepsRecords: keepsRecords) { try $0.add($1, to: &$2) }
    }

    /// Prompts with a response to learn from, within `lengths`.
    package func completions(
        _ references: [ArtifactReference], _ lengths: LengthOptions,
        learning learnedTokens: LearnedTokens = .completion,
        keepsRecords: Bool = false
    ) throws -> Loaded<PromptCompletion, TokenizedCompletion> {
        try completions(references, lengths.limits(), learning: learnedTokens, keepsRecords: keepsRecords)
    }

    /// Prompts with a response to learn from, within `limits`.
    package func completions(
        _ references: [ArtifactReference], _ limits: LengthLimits, learning learnedTokens: LearnedTokens,
        keepsRecords: Bool
    ) throws -> Loaded<PromptCompletion, TokenizedCompletion> {
        try load(references, limits, learning: learnedTokens, keepsRecords: keepsRecords) { try $0.add($1, to: &$2) }
    }

    /// Answers with a label, within `lengths`.
    package func labeledCompletions(_ references: [ArtifactReference], _ lengths: LengthOptions) throws
        -> Loaded<UnpairedPreference, TokenizedAnswer>
    {
        try labeledCompletions(references, lengths.limits(), keepsRecords: false)
    }

    /// Answers with a label, within `limits`.
    package func labeledCompletions(_ references: [ArtifactReference], _ limits: LengthLimits, keepsRecords: Bool)
        throws
        -> Loaded<UnpairedPreference, TokenizedAnswer>
    {
        try load(references, limits, keepsRecords: keepsRecords) { try $0.add($1, to: &$2) }
    }

    /// Prompts no longer than `prompt` allows.
    ///
    /// - Parameter prefix: What token ids have in front of each prompt, as ``PreferenceData/Content/prefixed(by:)`` puts it; records
    ///   are as they were read.
    package func prompts(
        _ references: [ArtifactReference], _ prompt: PromptOptions, limit: Int? = nil, keepsRecords: Bool = false,
        prefix: String = ""
    ) throws -> Loaded<Prompt, TokenizedPrompt> {
        try prompts(references, prompt.limits(), limit: limit, keepsRecords: keepsRecords, prefix: prefix)
    }

    /// Prompts within `limits`, with the same parameters.
    package func prompts(
        _ references: [ArtifactReference], _ limits: LengthLimits, limit: Int?, keepsRecords: Bool, prefix: String = ""
    ) throws -> Loaded<Prompt, TokenizedPrompt> {
        try load(references, limits, limit: limit, keepsRecords: keepsRecords) {
            try $0.add($1.prefixed(by: prefix), to: &$2)
        }
    }

    /// Records as they are, which no tokenizer sees.
    package func records<Record: DatasetRecord>(
        _ references: [ArtifactReference], as _: Record.Type
    ) throws -> Dataset<Record> {
        try Dataset<Record>(
            reading: files(references), onBadRecord: plan.configuration.dataset.onBadRecord,
            columns: plan.configuration.dataset.columns)
    }

    /// The files that references stand for.
    package func files(_ references: [ArtifactReference]) throws -> [URL] { try RunFiles(plan).data(references) }

    /// What makes token ids of records within `lengths`.
    func tokenizer(within lengths: LengthOptions) throws -> ExampleTokenizer {
        try text.exampleTokenizer(lengths.limits())
    }

    private func load<Record: DatasetRecord, Example: PackableExample>(
        _ references: [ArtifactReference], _ limits: LengthLimits, limit: Int? = nil,
        learning learnedTokens: LearnedTokens = .completion, keepsRecords: Bool,
        _ add: (ExampleTokenizer, Record, inout TokenizedDataset<Example>) throws -> Void
    ) throws -> Loaded<Record, Example> {
        var tokenizer = try text.exampleTokenizer(limits)
        tokenizer.learnedTokens = learnedTokens
        var records: [Record] = []
        var tokenized = TokenizedDataset<Example>()
        let files = try files(references)
        let reading = try Dataset<Record>.read(
            files, onBadRecord: plan.configuration.dataset.onBadRecord,
            columns: plan.configuration.dataset.columns, limit: limit
        ) { record in
            try add(tokenizer, record, &tokenized)
            if keepsRecords { records.append(record) }
        }
        try plan.configuration.check(reading.absent, in: files, of: references)
        try tokenizer.checkLeft(of: Record.plural, in: tokenized)
        return Loaded(records: records, examples: tokenized.examples, summary: reading.text(with: tokenized.summary))
    }
}

extension RunConfiguration {
    /// Checks that some row of the run's data has each column that `dataset.columns` names; other data that a stage reads need not.
    ///
    /// - Throws: ``ConfigurationError``
    func check(_ absent: AbsentColumns, in files: [URL], of references: [ArtifactReference]) throws {
        guard let (name, column) = absent.columns.first, let found = absent.found,
            references.contains(where: { if case .dataset = $0 { true } else { false } })
        else { return }
        let paths = files.prefix(3).map(\.relativePath).joined(separator: ", ") + (files.count > 3 ? ", ..." : "")
        throw error(
            at: "dataset.columns",
            "no row read from \(paths) has a column '\(column)', which \(name) is to come from; the first has \(found)",
            remedy: "correct it, or take \(name) out; rows without one may have null there")
    }
}

extension LengthOptions {
    /// As what reads data takes them.
    package func limits() throws -> LengthLimits {
        try LengthLimits(
            maxLength: maxLength, maxPromptLength: prompt.maxPromptLength, mode: prompt.truncationMode)
    }
}

extension PromptOptions {
    /// As what reads data takes them.
    package func limits() throws -> LengthLimits {
        try LengthLimits(maxLength: nil, maxPromptLength: maxPromptLength, mode: truncationMode)
    }
}

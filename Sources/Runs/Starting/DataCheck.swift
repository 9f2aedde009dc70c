import Configuration
import Foundation
import PreferenceData

/// Looks at the data of a run's stages before the first of them starts: that every line of it is a record, and that the
/// stage's limits leave something of it.
///
/// One example that fits is enough, so little is tokenized; all are where `truncation_mode: error` lets none be too long.
package struct DataCheck {
    private let plan: RunPlan
    private let text: TextPipeline
    private let readsAll: Bool
    /// What was read through for an earlier stage, and is not read again: a kind of records, and files.
    private var read: Set<[String]> = []

    /// - Parameter readsAll: Whether every line is read, or only as many as it takes to find an example that fits.
    package init(_ plan: RunPlan, _ text: TextPipeline, readsAll: Bool) {
        (self.plan, self.text, self.readsAll) = (plan, text, readsAll)
    }

    /// Checks what a stage trains on, or answers, and what it is evaluated on.
    ///
    /// - Throws: ``DataError`` for a line that is no record; ``ConfigurationError`` where nothing is left.
    package mutating func callAsFunction(_ stage: PlannedStage) throws {
        let type = stage.configuration.stage
        let data = type.inputs.filter(\.isData)
        for key in data.map(\.key).uniqued {
            let inputs = data.filter { $0.key == key }
            guard let role = inputs.first?.role else { continue }
            let input = Input(
                stage, key, inputs.map(\.reference), try type.limits(), count: role.isHeldOut ? nil : type.rowLimit)
            switch role.kind.rows {
            case .predictedPairs, .scoredPairs:
                try check(input) { tokenizer, records in
                    try tokenizer.tokenize(records as [PreferencePair]).examples.map(\.prompt.count)
                }
            case .completions:
                let learnedTokens = type.learnedTokens
                try check(input) { tokenizer, records in
                    var tokenizer = tokenizer
                    tokenizer.learnedTokens = learnedTokens
                    return try tokenizer.tokenize(records as [PromptCompletion]).examples.map(\.prompt.count)
                }
            case .labeledCompletions:
                try check(input) { tokenizer, records in
                    try tokenizer.tokenize(records as [UnpairedPreference]).examples.map(\.prompt.count)
                }
            case .prompts:
                let (prefix, tokenize) = (type.promptPrefix, tokenizePrompts)
                try check(input) { tokenizer, records in
                    try tokenize(tokenizer, records.map { (record: Prompt) in record.prefixed(by: prefix) })
                }
            case .editedPairs: try checkRecords(of: input, as: PreferencePair.self)
            case nil: break
            }
        }
    }

    /// Data that a key of a stage names, and what the stage lets through of it.
    private struct Input {
        let stage: PlannedStage
        let key: String
        let references: [ArtifactReference]
        let limits: LengthLimits
        let count: Int?

        init(
            _ stage: PlannedStage, _ key: String, _ references: [ArtifactReference], _ limits: LengthLimits,
            count: Int? = nil
        ) {
            (self.stage, self.key, self.references) = (stage, key, references)
            (self.limits, self.count) = (limits, count)
        }
    }

    /// From records to the lengths of the prompts of those that are left.
    private typealias Tokenization<Record> = (ExampleTokenizer, [Record]) throws -> [Int]

    private func tokenizePrompts(_ tokenizer: ExampleTokenizer, _ prompts: [Prompt]) throws -> [Int] {
        try tokenizer.tokenize(prompts).examples.map(\.prompt.count)
    }

    private mutating func check<Record: DatasetRecord>(_ input: Input, _ tokenize: @escaping Tokenization<Record>)
        throws
    {
        let (given, made) = input.references.divided { if case .stage = $0 { false } else { true } }
        let files = try RunFiles(plan).data(given)
        guard !files.isEmpty || !made.isEmpty else { return }
        if !files.isEmpty, try leavesSomething(of: files, input, readsAll: readsAll, tokenize) { return }
        guard made.isEmpty else { return try checkSources(of: made, input, asks: Record.self) }
        throw try nothingIsLeft(of: files, input, tokenize).error
    }

    /// Checks that rows are records, of which nothing else is asked.
    private mutating func checkRecords<Record: DatasetRecord>(of input: Input, as _: Record.Type) throws {
        let files = try RunFiles(plan).data(input.references.filter { if case .stage = $0 { false } else { true } })
        let key = [Record.plural, ""] + files.map(\.path)
        guard !files.isEmpty, !read.contains(key) else { return }
        if readsAll { read.insert(key) }
        let reading = try Dataset<Record>.read(
            files, onBadRecord: plan.configuration.dataset.onBadRecord, columns: plan.configuration.dataset.columns,
            limit: readsAll ? nil : 1
        ) { _ in }
        if readsAll { try plan.configuration.check(reading.absent, in: files, of: input.references) }
    }

    /// Checks data that stages will leave by the prompts that these stages read: which of them it will have is not known,
    /// but it has no others.
    private mutating func checkSources<Record: DatasetRecord>(
        of made: [ArtifactReference], _ input: Input, asks _: Record.Type
    ) throws {
        let files = try made.flatMap(plan.sources)
        let mode = input.limits.mode == .error ? .keepStart : input.limits.mode
        let limits = try LengthLimits(maxPromptLength: input.limits.longestPrompt, mode: mode)
        let prompts = Input(input.stage, input.key, made, limits, count: input.count)
        if try leavesSomething(of: files, prompts, readsAll: false, tokenizePrompts) { return }
        let error = try nothingIsLeft(of: files, input, tokenizePrompts)
        // Responses can be learned from without a prompt.
        if error.isTooLong || Record.self == Prompt.self { throw error.error }
    }

    /// Whether an example of these files is left; with `truncation_mode: error`, whether all are.
    private mutating func leavesSomething<Record: DatasetRecord>(
        of files: [URL], _ input: Input, readsAll: Bool, _ tokenize: Tokenization<Record>
    ) throws -> Bool {
        let tokenizer = try text.exampleTokenizer(input.limits)
        let mustAllFit = input.limits.mode == .error
        let key = [Record.plural, input.count.map(String.init) ?? ""] + files.map(\.path)
        let readsOn = (readsAll && read.insert(key).inserted) || mustAllFit
        let (plan, text) = (plan, text)
        var fits = false
        var seen = 0
        var isTokenizing = false
        do {
            let reading = try Dataset<Record>.read(
                files, onBadRecord: plan.configuration.dataset.onBadRecord, columns: plan.configuration.dataset.columns,
                limit: input.count
            ) { record in
                seen += 1
                try text.checkTemplate(for: [record])
                if !fits || mustAllFit {
                    isTokenizing = true
                    if try !lengths(of: [record], tokenizer, tokenize).isEmpty { fits = true }
                    isTokenizing = false
                }
                if fits, !readsOn { throw Enough() }
            }
            try plan.configuration.check(reading.absent, in: files, of: input.references)
        } catch is Enough {
        } catch let error as DataError where isTokenizing {
            try StageError.naming(input.stage) {
                // Beside others it is told whether skipping it would leave something.
                let records: [Record]? = try? records(of: files, limit: seen + Self.patience)
                if let records { _ = try lengths(of: records, tokenizer, tokenize) }
                throw error
            }
        }
        return fits
    }

    private struct Enough: Error {}

    /// Records behind a bad one that are looked at too.
    private static let patience = 100

    private func records<Record: DatasetRecord>(of files: [URL], limit: Int?) throws -> [Record] {
        let dataset = plan.configuration.dataset
        let records = try Dataset<Record>(
            reading: files, onBadRecord: dataset.onBadRecord, columns: dataset.columns, limit: limit
        ).records
        try text.checkTemplate(for: records)
        return records
    }

    private func lengths<Record>(
        of records: [Record], _ tokenizer: ExampleTokenizer, _ tokenize: Tokenization<Record>
    ) throws -> [Int] {
        do {
            return try tokenize(tokenizer, records)
        } catch DataError.nothingLeft {
            return []
        } catch DataError.empty where records.count == 1 {
            // The only one is bad, and bad ones are skipped.
            return []
        }
    }

    /// Says why nothing is left, and what would leave something.
    private func nothingIsLeft<Record: DatasetRecord>(
        of files: [URL], _ input: Input, _ tokenize: Tokenization<Record>
    ) throws -> (error: ConfigurationError, isTooLong: Bool) {
        let (limits, stage) = (input.limits, input.stage.name)
        let records: [Record] = try records(of: files, limit: input.count)
        let shortest = try lengths(of: records, try text.exampleTokenizer(.none), tokenize).min() ?? 0
        let names = input.references.map(\.description).joined(separator: ", ")
        let paths = files.map(\.relativePath).joined(separator: ", ")
        let problem = "no example is left of \(names == paths ? names : "\(names) (\(paths))"): "
        let isTooLong = shortest > limits.longestPrompt ?? .max
        let bounds = [
            limits.maxPromptLength.map { "max_prompt_length \($0)" }, limits.maxLength.map { "max_length \($0)" },
        ].compactMap(\.self).joined(separator: " and ")
        let raised =
            shortest >= limits.maxLength ?? .max ? "max_length and \(stage).max_prompt_length" : "max_prompt_length"
        let error = plan.configuration.error(
            at: "\(stage).\(input.key)",
            problem
                + (isTooLong
                    ? "the shortest of \(records.count) prompts has \(shortest) tokens, too many for \(bounds)"
                    : "prompts or responses are empty"),
            remedy: isTooLong
                ? "raise \(stage).\(raised), or choose another \(stage).truncation_mode" : "give data that has both")
        return (error, isTooLong)
    }
}

extension LengthLimits {
    /// The longest prompt that is kept whole, with room for a token of the response.
    fileprivate var longestPrompt: Int? { [maxPromptLength, maxLength.map { $0 - 1 }].compactMap(\.self).min() }
}

extension [String] {
    /// Each once, in the order they first come.
    fileprivate var uniqued: [String] {
        var seen: Set<String> = []
        return filter { seen.insert($0).inserted }
    }
}

extension Array {
    /// Those that a condition holds for, and the others.
    fileprivate func divided(_ condition: (Element) -> Bool) -> ([Element], [Element]) {
        (filter(condition), filter { !condition($0) })
    }
}

/// From records to token ids, within length limits.
///
/// Prompt and prompt-with-response are tokenized each as one text, as TRL does, and the response is what follows the
/// prompt's ids. Where those are no prefix, the two are tokenized apart instead, so that the model always trains on
/// the prompt it will see when it generates; ``TokenizationSummary/seamsMerged`` counts such examples.
public struct ExampleTokenizer: Sendable {
    /// How records become text.
    public private(set) var renderer: PromptRenderer
    /// How long examples may be.
    public let limits: LengthLimits
    /// What of a completion is learned.
    public var learnedTokens = LearnedTokens.completion
    /// What becomes of a record that the chat template or the tokenizer refuses.
    public var onBadRecord = BadRecordPolicy.fail
    /// Whether `on_bad_record` is something that the reader of an error can set.
    public var advisesSkipping = true

    let encoder: any TextEncoder
    let endTokens: [Int32]
    let appendsEOS: Bool
    /// Ids that the chat template puts behind the end token, such as ChatML's line break.
    private(set) var tail: [Int32]
    /// The same of the template for rows that bring tools.
    private let toolTail: [Int32]

    /// A tokenizer of examples.
    /// - Parameters: - appendsEOS: Responses end in an end token: it is appended where missing, and what a chat
    ///   template writes behind it is left off, since a sampled response stops there as well. `false` keeps responses
    ///   as rendered. - endTokens: Tokens that end a response; the tokenizer's EOS by default. The first one is
    ///   appended.
    public init(
        encoder: any TextEncoder, renderer: PromptRenderer = PromptRenderer(), limits: LengthLimits = .none,
        appendsEOS: Bool = true, endTokens: [Int32]? = nil
    ) throws {
        self.encoder = encoder
        self.renderer = renderer
        self.limits = limits
        self.appendsEOS = appendsEOS
        self.endTokens = endTokens ?? [encoder.eosTokenID].compactMap(\.self)
        guard !appendsEOS || !self.endTokens.isEmpty else {
            throw DataError.configuration(
                key: "eos_token", reason: "the tokenizer has none, so nothing would end a response; name one")
        }
        tail = Self.tail(of: renderer, encoder, self.endTokens)
        toolTail = renderer.withToolTemplate.map { [ends = self.endTokens] in Self.tail(of: $0, encoder, ends) } ?? []
    }

    private static func tail(of renderer: PromptRenderer, _ encoder: any TextEncoder, _ endTokens: [Int32]) -> [Int32] {
        let after = encoder.encode(renderer.textAfterAnswer(), addSpecialTokens: false)
        return after.firstIndex(where: endTokens.contains).map { Array(after[($0 + 1)...]) } ?? []
    }

    /// Tokenizes preference pairs.
    /// - Throws: ``DataError`` for a record that cannot be rendered or has a double BOS (unless skipped), for messages without
    ///   a template, an example too long under ``TruncationMode/error``, and where no example is left.
    public func tokenize(_ pairs: [PreferencePair]) throws -> TokenizedDataset<TokenizedPair> {
        try tokenizeAll(pairs) { try add($0, to: &$1) }
    }

    /// Tokenizes a preference pair and adds it to `dataset`.
    /// - Parameter variants: Texts that are tokenized as responses to the same prompt, of the text of each response.
    /// - Throws: ``DataError`` for a record that cannot be rendered, a double BOS, and an example too long under
    ///   ``TruncationMode/error``.
    public func add(
        _ pair: PreferencePair, to dataset: inout TokenizedDataset<TokenizedPair>,
        variants: ((String) -> [String])? = nil
    ) throws {
        try add(to: &dataset) { summary in
            let tokenizer = try told(by: pair)
            return try tokenizer.fit(pair.prompt, [pair.chosen, pair.rejected], source: pair.source, &summary).map {
                encoded in
                let made = try variants.map { variants in
                    try [pair.chosen, pair.rejected].enumerated().flatMap { index, response in
                        try tokenizer.variants(
                            of: index, response.replacing(by: variants), in: encoded, source: pair.source)
                    }
                }
                return TokenizedPair(
                    index: pair.index, prompt: encoded.prompt, chosen: encoded.responses[0],
                    rejected: encoded.responses[1], variants: made ?? [])
            }
        }
    }

    /// Tokenizes prompts with one response each.
    /// - Throws: As for pairs.
    public func tokenize(_ completions: [PromptCompletion]) throws -> TokenizedDataset<TokenizedCompletion> {
        try tokenizeAll(completions) { try add($0, to: &$1) }
    }

    /// Tokenizes a prompt with its response and adds it to `dataset`.
    /// - Throws: As for a pair.
    public func add(_ record: PromptCompletion, to dataset: inout TokenizedDataset<TokenizedCompletion>) throws {
        try add(to: &dataset) { summary in
            let tokenizer = try told(by: record)
            guard learnedTokens == .completion else { return try tokenizer.fitAnswers(of: record, &summary) }
            return try tokenizer.fit(record.prompt, [record.completion], source: record.source, &summary).map {
                TokenizedCompletion(index: record.index, prompt: $0.prompt, completion: $0.responses[0])
            }
        }
    }

    /// Tokenizes answers with a label; those of a pair are two examples.
    /// - Throws: As for pairs.
    public func tokenize(_ answers: [UnpairedPreference]) throws -> TokenizedDataset<TokenizedAnswer> {
        try tokenizeAll(answers) { try add($0, to: &$1) }
    }

    /// Tokenizes a record's answers, each by itself, and adds them to `dataset`.
    /// - Throws: As for a pair.
    public func add(_ record: UnpairedPreference, to dataset: inout TokenizedDataset<TokenizedAnswer>) throws {
        let first = dataset.summary.records
        try addAll(to: &dataset) { summary in
            let tokenizer = try told(by: record)
            return try record.answers.enumerated().map { number, answer in
                try tokenizer.fit(record.prompt, [answer.completion], source: record.source, &summary).map {
                    TokenizedAnswer(
                        index: first + number, record: record.index, prompt: $0.prompt, completion: $0.responses[0],
                        isDesirable: answer.isDesirable)
                }
            }
        }
    }

    /// Tokenizes prompts up to where a response starts; only the prompt counts against the limits.
    /// - Throws: As for pairs.
    public func tokenize(_ prompts: [Prompt]) throws -> TokenizedDataset<TokenizedPrompt> {
        try tokenizeAll(prompts) { try add($0, to: &$1) }
    }

    /// Tokenizes a prompt up to where a response starts and adds it to `dataset`.
    /// - Throws: As for a pair.
    public func add(_ record: Prompt, to dataset: inout TokenizedDataset<TokenizedPrompt>) throws {
        try add(to: &dataset) { summary in
            try told(by: record).fit(record.prompt, [], source: record.source, &summary).map {
                TokenizedPrompt(index: record.index, prompt: $0.prompt)
            }
        }
    }

    /// The same for a record whose row tells the chat template something.
    private func told(by record: some DatasetRecord) throws -> ExampleTokenizer {
        guard !record.templateVariables.isEmpty else { return self }
        var tokenizer = self
        do {
            tokenizer.renderer = try renderer.told(record.templateVariables, for: record.prompt)
        } catch {
            throw BadRecord(source: record.source, reason: error.reason)
        }
        if renderer.toolTemplate != nil, tokenizer.renderer.toolTemplate == nil { tokenizer.tail = toolTail }
        return tokenizer
    }

    /// Checks that records which were added left an example.
    ///
    /// - Parameter kind: What a list of such records is called.
    /// - Throws: ``DataError/nothingLeft(examples:empty:firstEmpty:limits:)``, or ``DataError/empty(paths:kind:skipped:first:)``
    ///   where all were skipped.
    public func checkLeft<Example>(of kind: String, in dataset: TokenizedDataset<Example>) throws {
        let summary = dataset.summary
        guard !dataset.examples.isEmpty || summary.records + summary.skipped == 0 else {
            throw nothingLeft(kind, of: summary)
        }
    }

    private func tokenizeAll<Record: DatasetRecord, Example: PackableExample>(
        _ records: [Record], _ add: (Record, inout TokenizedDataset<Example>) throws -> Void
    ) throws -> TokenizedDataset<Example> {
        var dataset = TokenizedDataset<Example>()
        dataset.examples.reserveCapacity(records.count)
        for (index, record) in records.enumerated() {
            do {
                try add(record, &dataset)
            } catch DataError.bad(let bad, advisesSkipping: false) where advisesSkipping {
                var others = dataset
                for other in records[(index + 1)...].prefix(Self.patience) where others.examples.isEmpty {
                    try? add(other, &others)
                }
                throw DataError.bad(bad, advisesSkipping: !others.examples.isEmpty)
            }
        }
        try checkLeft(of: Record.plural, in: dataset)
        return dataset
    }

    /// Adds what `tokenize` makes of a record; where bad ones are skipped, nothing for one that it refuses.
    private func add<Example: PackableExample>(
        to dataset: inout TokenizedDataset<Example>, _ tokenize: (inout TokenizationSummary) throws -> Example?
    ) throws {
        try addAll(to: &dataset) { [try tokenize(&$0)] }
    }

    private func addAll<Example: PackableExample>(
        to dataset: inout TokenizedDataset<Example>, _ tokenize: (inout TokenizationSummary) throws -> [Example?]
    ) throws {
        do {
            for example in try tokenize(&dataset.summary) { dataset.add(example) }
        } catch let bad as BadRecord {
            guard onBadRecord == .skip else {
                throw DataError.bad(bad, advisesSkipping: advisesSkipping && !dataset.examples.isEmpty)
            }
            dataset.summary.skipped += 1
            dataset.summary.firstSkipped = dataset.summary.firstSkipped ?? bad
        }
    }

    private func nothingLeft(_ kind: String, of summary: TokenizationSummary) -> DataError {
        if summary.records == 0, let first = summary.firstSkipped {
            return .empty(paths: [first.source.file], kind: kind, skipped: summary.skipped, first: first)
        }
        return .nothingLeft(
            examples: summary.records, empty: summary.empty, firstEmpty: summary.firstEmpty, limits: limits.text)
    }

    /// Records behind a bad one that are tried, to see whether skipping it would leave something.
    private static let patience = 100
}

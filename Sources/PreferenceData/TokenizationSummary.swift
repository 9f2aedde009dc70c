/// What became of a dataset's examples on the way to token ids.
public struct TokenizationSummary: Sendable, Equatable {
    /// Records that came in.
    public var records = 0
    /// Left out, because they say nothing, or truncation left no prompt or no response of them.
    public var dropped = 0
    /// Those of the dropped that say nothing: their prompts and responses are empty.
    public var empty = 0
    /// The first of these.
    public var firstEmpty: RecordSource?
    /// Records besides ``records`` that the chat template or the tokenizer refuses, where such are skipped.
    public var skipped = 0
    /// The first of these, with what is wrong.
    public var firstSkipped: BadRecord?
    /// Prompts that end in an answer of the assistant, which the response continues.
    public var continued = 0
    /// Prompts that lost tokens at their start.
    public var promptsTruncated = 0
    /// Prompts that lost their oldest turns.
    public var turnsDropped = 0
    /// Responses that lost tokens.
    public var responsesTruncated = 0
    /// Examples whose prompt is not a token prefix of prompt and response, because tokens merge across the seam or
    /// the template renders the prompt alone differently; prompt and response were tokenized apart.
    public var seamsMerged = 0
    /// Examples whose prompt ends where responses part from it, in front of the template's generation prompt, which it leaves out
    /// where an answer is there.
    public var seamsEarlier = 0
    /// Examples that are left and that a chat template writes.
    public var templated = 0
    /// Answers that are learned, where each of a conversation is.
    public var answers = 0
    /// Tokens of the longest example that is left: its prompt and its longest response.
    public var longest = 0
    /// Tokens of all examples that are left, a shared prompt counted once, and variants of responses with them.
    public var tokens = 0

    /// No records yet.
    public init() {}

    /// Examples that are left.
    public var kept: Int { records - dropped }

    /// One line for the log: what is left, and what truncation did to it.
    public var text: String {
        let notes = [
            (answers, "answers to learn"),
            (templated > 0 ? kept - templated : 0, "prompts that are text, which no chat template writes"),
            (dropped - empty, "dropped as too long"), (empty, "dropped as empty"),
            (continued, "continue an answer that their prompt ends in"), (turnsDropped, "lost their oldest turns"),
            (promptsTruncated, "prompts cut"), (responsesTruncated, "responses cut"),
            (seamsMerged, "tokenized apart from their prompts"),
            (seamsEarlier, "with prompts that end where the template's answers begin"),
        ]
        .filter { $0.0 > 0 }.map { "\($0.0) \($0.1)" }
        return (["\(kept) of \(records) examples, \(tokens) tokens, the longest \(longest)"] + notes)
            .joined(separator: "; ")
    }
}

extension Dataset.Reading {
    /// One line for the log: what is left of the records, which were skipped, and what was odd about others.
    public func text(with summary: TokenizationSummary) -> String {
        text(summary.text, bad: skipped + summary.skipped, first: badRecords.first ?? summary.firstSkipped)
    }

    /// The same of records that no tokenizer has seen.
    package var text: String { text("\(count) \(Record.plural)", bad: skipped, first: badRecords.first) }

    private func text(_ whole: String, bad: Int, first: BadRecord?) -> String {
        let notes = (bad > 0 ? ["\(bad) bad rows skipped"] + (first.map { ["the first: \($0)"] } ?? []) : [])
        return ([whole] + (notes.isEmpty ? [] : [notes.joined(separator: ", ")]) + remarks.texts)
            .joined(separator: "; ")
    }
}

/// A dataset's examples in token ids, in the order of their records.
public struct TokenizedDataset<Example: PackableExample>: Sendable {
    /// What is left. After drops, `examples[i].index` may be past `i`.
    public var examples: [Example]
    /// What was cut and dropped.
    public var summary: TokenizationSummary

    /// Examples and what is known of them.
    public init(examples: [Example] = [], summary: TokenizationSummary = TokenizationSummary()) {
        self.examples = examples
        self.summary = summary
    }

    /// Takes in what became of a record; `nil` where truncation left nothing of it.
    mutating func add(_ example: Example?) {
        summary.records += 1
        guard let example else {
            summary.dropped += 1
            return
        }
        summary.tokens += example.tokenCount
        let responses = example.responses.map(\.count)
        summary.longest = max(summary.longest, example.prompt.count + (responses.max() ?? 0))
        examples.append(example)
    }

    /// A hash over every token (FNV-1a, 64 bits), the same wherever it is computed: names caches of what depends on
    /// the data.
    public var fingerprint: UInt64 {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        func mix(_ value: Int) {
            hash = (hash ^ UInt64(bitPattern: Int64(value))) &* 0x100_0000_01B3
        }
        for example in examples {
            mix(example.index)
            for sequence in [example.prompt] + example.responses {
                mix(sequence.count)
                for token in sequence { mix(Int(token)) }
            }
        }
        return hash
    }
}

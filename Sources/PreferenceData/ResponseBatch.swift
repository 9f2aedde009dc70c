import Transformers

/// A micro-batch as one flat row of tokens: `[prompt | response | response ...]` for each example, the prompt only
/// once.
///
/// The sequences of a batch are its responses, in order: for pairs, sequence `2i` is the chosen and `2i + 1` the
/// rejected response of the `i`-th example; for completions, sequence `i` is that of the `i`-th example. A prompt
/// without responses is a sequence of its own, to be scored.
public struct ResponseBatch: Sendable, Equatable {
    /// The tokens, and who sees whom.
    public private(set) var rows = PackedRows()
    /// Every response token that is learned as a prediction. A response to an empty prompt has none for its first token.
    public private(set) var predictions = PredictedTokens()
    /// The row of each sequence's last token, shape `[sequences]`.
    public private(set) var lastRows: [Int32] = []
    /// The rows of each sequence's prompt, which others may share.
    public private(set) var promptRows: [Range<Int>] = []
    /// The rows of each sequence's response; empty for a prompt alone.
    public private(set) var responseRows: [Range<Int>] = []
    /// The row of the last token of each aside (``PackableExample/asides``), example after example; `nil` for one that is none.
    public private(set) var asideLastRows: [Int32?] = []
    /// For each example, the index of its record in the dataset (``PackableExample/index``).
    public private(set) var indices: [Int] = []

    /// An empty batch.
    public init() {}

    /// A batch of `examples`, in order.
    public init(_ examples: some Sequence<some PackableExample>) {
        for example in examples { append(example) }
    }

    /// How many sequences (responses) the batch holds.
    public var sequenceCount: Int { lastRows.count }

    /// How many tokens the batch holds.
    public var tokenCount: Int { rows.count }

    /// Adds an example's prompt, its responses and its asides.
    public mutating func append(_ example: some PackableExample) {
        indices.append(example.index)
        let prompt = rows.append(example.prompt)
        if example.responses.isEmpty {
            addSequence(prompt: prompt, response: prompt.upperBound..<prompt.upperBound)
        }
        for (index, response) in example.responses.enumerated() {
            precondition(!response.isEmpty, "example \(example.index) has an empty response")
            let responseRows = rows.append(response, after: prompt)
            for range in example.predicted(ofResponse: index) {
                let start = responseRows.lowerBound + range.lowerBound
                predictions.append(
                    response[range], in: start..<start + range.count,
                    promptEnd: range.lowerBound == 0 ? prompt.upperBound - 1 : start - 1, sequence: sequenceCount)
            }
            addSequence(prompt: prompt, response: responseRows)
        }
        for aside in example.asides {
            asideLastRows.append(aside.isEmpty ? nil : Int32(rows.append(aside, after: prompt).upperBound - 1))
        }
    }

    private mutating func addSequence(prompt: Range<Int>, response: Range<Int>) {
        precondition(!prompt.isEmpty || !response.isEmpty, "a sequence without tokens")
        lastRows.append(Int32((response.isEmpty ? prompt : response).upperBound - 1))
        promptRows.append(prompt)
        responseRows.append(response)
    }

    /// The row of each sequence where a reward model scores it, shape `[sequences]`: that of the last token of prompt and
    /// response that is not `padding`, and the first row where all are, as in transformers.
    public func scoredRows(padding: Int32?) -> [Int32] {
        guard let padding else { return lastRows }
        return zip(promptRows, responseRows).map { prompt, response in
            let row =
                response.last { rows.tokens[$0] != padding } ?? prompt.last { rows.tokens[$0] != padding }
                ?? prompt.first ?? response.lowerBound
            return Int32(row)
        }
    }

    /// Packs examples into batches of at most `maxTokens` rows (`max_tokens_per_micro_batch`).
    ///
    /// An example larger than that has a batch of its own. Each example is in exactly one batch.
    public static func microBatches(_ examples: [some PackableExample], maxTokens: Int) -> [ResponseBatch] {
        TokenBalancer.group(examples.map(\.tokenCount), budget: maxTokens).map { group in
            ResponseBatch(group.map { examples[$0] })
        }
    }

    /// One rank's part of a global batch: the share that ``TokenBalancer`` gives it, packed into micro-batches.
    ///
    /// Empty where there are fewer examples than ranks.
    public static func microBatches(
        _ examples: [some PackableExample], share: Int, of shares: Int, maxTokens: Int
    ) -> [ResponseBatch] {
        precondition((0..<shares).contains(share), "share \(share) of \(shares)")
        let mine = TokenBalancer.share(examples.map(\.tokenCount), over: shares)[share]
        return microBatches(mine.map { examples[$0] }, maxTokens: maxTokens)
    }
}

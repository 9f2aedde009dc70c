/// A batch as one flat row of tokens: no padding, and a prompt that several responses share appears once.
///
/// A preference pair is `[prompt | chosen | rejected]`: three segments, where both responses name the prompt as their
/// ``Segment/prefix`` and their positions go on from its end. Masks follow from the segments, so `pad == eos` is
/// harmless.
public struct PackedRows: Sendable, Equatable {
    /// Token ids, shape `[rows]`.
    public var tokens: [Int32] = []
    /// The position of each token in its own sequence, shape `[rows]`.
    public var positions: [Int32] = []
    /// Consecutive runs of rows, in order, that cover every row.
    public var segments: [Segment] = []

    /// Rows `start ..< start + count`, which attend causally to each other and to all of `prefix`.
    public struct Segment: Sendable, Equatable {
        /// The first row.
        public var start: Int
        /// How many rows, at least one.
        public var count: Int
        /// Earlier rows that every row of the segment sees, such as a shared prompt; empty where there is none.
        public var prefix: Range<Int>

        /// A run of rows and what it sees before itself.
        public init(start: Int, count: Int, prefix: Range<Int> = 0..<0) {
            self.start = start
            self.count = count
            self.prefix = prefix
        }

        /// The rows of this segment.
        public var rows: Range<Int> { start..<start + count }
    }

    /// An empty batch.
    public init() {}

    /// How many rows (tokens) the batch holds.
    public var count: Int { tokens.count }

    /// Appends a run of tokens that sees `prefix` and itself, and returns its rows.
    ///
    /// Positions go on from the prefix: `prefix.count`, `prefix.count + 1`, ... An empty run adds nothing.
    @discardableResult
    public mutating func append(_ run: some Collection<Int32>, after prefix: Range<Int> = 0..<0) -> Range<Int> {
        precondition(prefix.upperBound <= count, "prefix \(prefix) lies past the \(count) rows packed so far")
        let start = count
        guard !run.isEmpty else { return start..<start }
        tokens.append(contentsOf: run)
        positions.append(contentsOf: (0..<run.count).map { Int32(prefix.count + $0) })
        segments.append(Segment(start: start, count: run.count, prefix: prefix))
        return start..<count
    }
}

extension PackedRows {
    /// For each row the length of its sequence: where several share a prompt, of the longest of them, as in a batch of
    /// transformers.
    var sequenceLengths: [Int32] {
        var groupOfRow = [Int](repeating: 0, count: count)
        var longest: [Int32] = []
        for segment in segments {
            let group = segment.prefix.isEmpty ? longest.count : groupOfRow[segment.prefix.lowerBound]
            if group == longest.count { longest.append(0) }
            for row in segment.rows { groupOfRow[row] = group }
            longest[group] = max(longest[group], Int32(segment.prefix.count + segment.count))
        }
        return groupOfRow.map { longest[$0] }
    }
}

/// Where the rows of a pass stand in their sequences.
struct RowPlaces {
    /// Their positions.
    let positions: [Int32]
    /// How long their sequences are, for positions that change with that.
    let lengths: [Int32]
}

/// What the language-model head is asked for: at each listed row of a ``PackedRows``, the log-probability of one next
/// token.
public struct PredictedTokens: Sendable, Equatable {
    /// The row whose hidden state predicts, shape `[predictions]`. A shared prompt's last row may appear more than
    /// once.
    public var rows: [Int32] = []
    /// The token id predicted there, shape `[predictions]`.
    public var tokens: [Int32] = []
    /// Which sequence of the batch (0, 1, ...) the prediction counts for, shape `[predictions]`.
    public var sequences: [Int32] = []

    /// No predictions.
    public init() {}

    /// How many predictions.
    public var count: Int { rows.count }

    /// Asks for every token of a response whose rows are `response`, after a prompt whose last row is `promptEnd`.
    public mutating func append(
        _ tokens: some Collection<Int32>, in response: Range<Int>, promptEnd: Int, sequence: Int
    ) {
        precondition(tokens.count == response.count, "\(tokens.count) tokens in \(response.count) rows")
        guard !tokens.isEmpty else { return }
        rows.append(Int32(promptEnd))
        rows.append(contentsOf: response.dropLast().map { Int32($0) })
        self.tokens.append(contentsOf: tokens)
        sequences.append(contentsOf: repeatElement(Int32(sequence), count: tokens.count))
    }
}

/// One step of a pre-tokenizer that takes pieces of text apart at matches of a pattern.
struct Splitter: Sendable, Equatable {
    enum Pattern: Sendable, Equatable {
        case scanner(WordScanner)
        case sparse(SparseScanner)
        case run(CharacterRun)
        case regex(RegexPattern)
        case literal([UInt8])
    }

    /// What becomes of a match, as `SplitDelimiterBehavior` in the `tokenizers` library.
    enum Behavior: String, Sendable {
        case isolated = "Isolated"
        case removed = "Removed"
        case mergedWithPrevious = "MergedWithPrevious"
        case mergedWithNext = "MergedWithNext"
        case contiguous = "Contiguous"
    }

    /// A range of bytes; `isMatch` only while a step works.
    struct Piece: Sendable {
        var start: Int
        var end: Int
        var isMatch = false
    }

    let pattern: Pattern
    let behavior: Behavior
    let inverted: Bool

    /// Appends what `text[start..<end]` is taken apart into; empty pieces are left out.
    func split(_ reader: UTF8Reader, from start: Int, to end: Int, into pieces: inout [Piece]) {
        if case .scanner(let scanner) = pattern {
            // A scanner leaves nothing between its matches, so these two mean the same.
            if behavior == .isolated || (behavior == .removed && inverted) {
                var index = start
                while index < end {
                    let next = scanner.endOfWord(in: reader, from: index, to: end)
                    pieces.append(Piece(start: index, end: next))
                    index = next
                }
                return
            }
        }
        switch behavior {
        case .isolated: appendMatches(reader, from: start, to: end, to: &pieces)
        case .removed: pieces += matches(reader, from: start, to: end).filter { !$0.isMatch }
        case .contiguous: merge(matches(reader, from: start, to: end), into: &pieces) { $0 == $1 }
        case .mergedWithPrevious: merge(matches(reader, from: start, to: end), into: &pieces) { !$0 && $1 }
        case .mergedWithNext: mergeWithNext(matches(reader, from: start, to: end), into: &pieces)
        }
    }

    /// All of `text[start..<end]`, as matches and what lies between them.
    private func matches(_ reader: UTF8Reader, from start: Int, to end: Int) -> [Piece] {
        var found: [Piece] = []
        appendMatches(reader, from: start, to: end, to: &found)
        return found
    }

    @inline(never)
    private func appendMatches(_ reader: UTF8Reader, from start: Int, to end: Int, to found: inout [Piece]) {
        var previous = start
        func match(_ lower: Int, _ upper: Int) {
            if previous < lower { found.append(Piece(start: previous, end: lower, isMatch: inverted)) }
            found.append(Piece(start: lower, end: upper, isMatch: !inverted))
            previous = upper
        }
        /// Matches from the left, given the end of one that starts at a character.
        func scan(_ endOfMatch: (Int) -> Int?) {
            var index = start
            while index < end {
                if let next = endOfMatch(index) {
                    match(index, next)
                    index = next
                } else {
                    index += UTF8Reader.length(leading: reader.text[index])
                }
            }
        }
        switch pattern {
        case .scanner(let scanner): scan { scanner.endOfWord(in: reader, from: $0, to: end) }
        case .sparse(let scanner): scan { scanner.endOfMatch(in: reader, from: $0, to: end) }
        case .run(let run): scan { run.endOfMatch(in: reader, from: $0, to: end) }
        case .regex(let regex): regex.forEachMatch(in: reader.text, from: start, to: end, match)
        case .literal(let literal):
            guard !literal.isEmpty else { break }
            scan { index in
                let last = index + literal.count
                return last <= end && reader.text[index..<last].elementsEqual(literal) ? last : nil
            }
        }
        if previous < end { found.append(Piece(start: previous, end: end, isMatch: inverted)) }
    }

    private func merge(_ found: [Piece], into pieces: inout [Piece], joins: (Bool, Bool) -> Bool) {
        let first = pieces.count
        var previous = false
        for piece in found {
            if joins(previous, piece.isMatch), pieces.count > first {
                pieces[pieces.count - 1].end = piece.end
            } else {
                pieces.append(piece)
            }
            previous = piece.isMatch
        }
    }

    private func mergeWithNext(_ found: [Piece], into pieces: inout [Piece]) {
        var merged: [Piece] = []
        var previous = false
        for piece in found.reversed() {
            if piece.isMatch, !previous, let last = merged.indices.last {
                merged[last].start = piece.start
            } else {
                merged.append(piece)
            }
            previous = piece.isMatch
        }
        pieces += merged.reversed()
    }
}

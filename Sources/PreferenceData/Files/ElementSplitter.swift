/// The elements of one JSON array, which an object may hold under its only key, or JSON objects that follow each other, however
/// their text is laid out.
///
/// It looks at brackets, quotes and commas alone: whether an element is JSON is for its parser to say.
struct ElementSplitter: RowSplitter {
    /// What the elements are of.
    enum Whole {
        case array, arrayUnderKey, sequence
    }

    private var whole: Whole
    private var number = 0
    private var element: RowBuffer
    private var place = Place.before
    private var depth = 0
    private var isInString = false
    private var isEscaped = false
    /// Whether the element has something besides white space.
    private var hasBegun = false

    private enum Place {
        case before, inside, behind
    }

    init(of whole: Whole, maximumLength: Int) {
        self.whole = whole
        element = RowBuffer(maximumLength: maximumLength)
        if whole == .sequence { place = .inside }
    }

    mutating func feed(_ chunk: UnsafeRawBufferPointer, _ body: (Int, Row) throws -> Void) throws {
        var start = 0
        for index in chunk.indices {
            let byte = chunk[index]
            if isInString {
                if isEscaped {
                    isEscaped = false
                } else if byte == UInt8(ascii: "\\") {
                    isEscaped = true
                } else if byte == UInt8(ascii: "\"") {
                    isInString = false
                }
                continue
            }
            switch (place, byte) {
            case (.before, UInt8(ascii: "[")):
                place = .inside
                start = index + 1
            case (.before, _) where whole == .arrayUnderKey: break
            case (.behind, UInt8(ascii: "}")) where whole == .arrayUnderKey: whole = .array
            case (.behind, UInt8(ascii: ",")) where whole == .arrayUnderKey:
                throw RowSplitterError(
                    problem: "other keys follow its array of rows", remedy: "leave them out, or write the array alone")
            case (.before, _), (.behind, _):
                guard isSpace(byte) else {
                    throw RowSplitterError(
                        problem: "text follows its JSON array", remedy: "write one array, or a record a line")
                }
            case (.inside, UInt8(ascii: ",")) where depth == 0 && whole != .sequence:
                try emit(chunk[start..<index], body)
                start = index + 1
            case (.inside, UInt8(ascii: "]")) where depth == 0 && whole != .sequence:
                if hasBegun || number > 0 { try emit(chunk[start..<index], body) }
                place = .behind
            case (.inside, UInt8(ascii: "\n")) where depth == 0 && whole == .sequence && hasBegun:
                try emit(chunk[start..<index], body)
                start = index + 1
            case (.inside, UInt8(ascii: "}")) where depth == 1 && whole == .sequence:
                try emit(chunk[start...index], body)
                start = index + 1
            case (.inside, _): take(byte)
            }
        }
        if place == .inside { element.keep(chunk[start...]) }
    }

    mutating func finish(_ body: (Int, Row) throws -> Void) throws {
        switch whole {
        case .array where place != .behind, .arrayUnderKey:
            throw RowSplitterError(
                problem: "its JSON array ends in the middle", remedy: "copy or download the file again")
        case .array: break
        case .sequence: if hasBegun { try emit(UnsafeRawBufferPointer(start: nil, count: 0)[...], body) }
        }
    }

    private mutating func take(_ byte: UInt8) {
        guard !isSpace(byte) else { return }
        hasBegun = true
        switch byte {
        case UInt8(ascii: "\""): isInString = true
        case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
        case UInt8(ascii: "}"), UInt8(ascii: "]"): depth = max(depth - 1, 0)
        default: break
        }
    }

    private mutating func emit(
        _ rest: Slice<UnsafeRawBufferPointer>, _ body: (Int, Row) throws -> Void
    ) throws {
        number += 1
        let isBlank = !hasBegun
        (hasBegun, depth) = (false, 0)
        try element.end(with: rest) { row in
            try body(number, isBlank ? .bad("not JSON: nothing stands where an element should") : row)
        }
    }
}

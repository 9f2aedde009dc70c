import Foundation

/// A field of a line of metrics, as its bytes lie in the line.
struct MetricsField: @unchecked Sendable {
    enum Value {
        case number(Double)
        case text(UnsafeRawBufferPointer)
        case null
    }

    let key: UnsafeRawBufferPointer
    let value: Value

    /// Whether the key is this one.
    func isNamed(_ name: StaticString) -> Bool {
        key.elementsEqual(UnsafeBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount))
    }

    /// A number, or `nil` within for one that was not finite; `nil` for a text.
    var figure: Double?? {
        switch value {
        case .number(let number): .some(number)
        case .null: .some(nil)
        case .text: nil
        }
    }

    /// Reads a flat JSON object whose strings hold no escapes, which is how ``MetricsWriter`` writes a line of finite metrics.
    /// It takes a tenth of the time of a parser that keeps values.
    ///
    /// - Returns: Whether the line is one; what is not is for a parser to say.
    static func scan(_ line: UnsafeRawBufferPointer, into fields: inout [MetricsField]) -> Bool {
        var scanner = Scanner(line: line)
        return scanner.scan(into: &fields)
    }
}

private struct Scanner {
    let line: UnsafeRawBufferPointer
    var position = 0

    init(line: UnsafeRawBufferPointer) { self.line = line }

    mutating func scan(into fields: inout [MetricsField]) -> Bool {
        guard skip(UInt8(ascii: "{")) else { return false }
        repeat {
            guard let key = string(), skip(UInt8(ascii: ":")), let value = value() else { return false }
            fields.append(MetricsField(key: key, value: value))
        } while skip(UInt8(ascii: ","))
        return skip(UInt8(ascii: "}")) && position == line.count
    }

    private mutating func skip(_ byte: UInt8) -> Bool {
        guard position < line.count, line[position] == byte else { return false }
        position += 1
        return true
    }

    private mutating func string() -> UnsafeRawBufferPointer? {
        guard skip(UInt8(ascii: "\"")) else { return nil }
        let start = position
        while position < line.count, line[position] != UInt8(ascii: "\"") {
            guard line[position] != UInt8(ascii: "\\") else { return nil }
            position += 1
        }
        let end = position
        return skip(UInt8(ascii: "\"")) ? UnsafeRawBufferPointer(rebasing: line[start..<end]) : nil
    }

    private mutating func value() -> MetricsField.Value? {
        guard position < line.count else { return nil }
        switch line[position] {
        case UInt8(ascii: "\""): return string().map { .text($0) }
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return number().map { .number($0) }
        case UInt8(ascii: "n") where line[position...].starts(with: "null".utf8):
            position += 4
            return .null
        default: return nil
        }
    }

    private mutating func number() -> Double? {
        let start = position
        while position < line.count, Self.isInNumber(line[position]) { position += 1 }
        // Something else has to follow within the line, where the C library stops.
        guard position < line.count, let base = line.baseAddress else { return nil }
        let text = (base + start).assumingMemoryBound(to: CChar.self)
        var end: UnsafeMutablePointer<CChar>?
        let number = strtod(text, &end)
        return end.map { UnsafePointer($0) - text } == position - start && number.isFinite ? number : nil
    }

    private static func isInNumber(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "+"), UInt8(ascii: "."),
            UInt8(ascii: "e"), UInt8(ascii: "E"):
            true
        default: false
        }
    }
}

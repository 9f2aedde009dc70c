import Foundation

/// A date and time of day, for templates that write today's (`strftime_now`). The run says it, so that a run which is
/// resumed on another day renders the same text.
public struct JinjaDate: Sendable, Equatable {
    private let year: Int, month: Int, day: Int, hour: Int, minute: Int, second: Int

    /// A time of the Gregorian calendar; `nil` for one that there is not.
    public init?(year: Int, month: Int, day: Int, hour: Int = 0, minute: Int = 0, second: Int = 0) {
        let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
        let days = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
        guard (1...9999).contains(year), (1...12).contains(month), (1...days[month - 1]).contains(day),
            (0..<24).contains(hour), (0..<60).contains(minute), (0..<60).contains(second)
        else { return nil }
        (self.year, self.month, self.day) = (year, month, day)
        (self.hour, self.minute, self.second) = (hour, minute, second)
    }

    /// As C's `strftime` writes it in the C locale, with Python's `%f`, and without a time zone.
    func text(_ format: String) throws(JinjaError) -> String {
        guard !format.isEmpty else { return "" }
        guard format.utf8.count <= 1024 else { throw JinjaError(.limit, "a date's format is longer than 1024 bytes") }
        var time = tm()
        time.tm_year = Int32(year - 1900)
        time.tm_mon = Int32(month - 1)
        time.tm_mday = Int32(day)
        time.tm_hour = Int32(hour)
        time.tm_min = Int32(minute)
        time.tm_sec = Int32(second)
        _ = timegm(&time)
        let expanded = Self.expanded(format)
        // A format may write nothing; a mark tells that from a buffer that is too small.
        var buffer = [CChar](repeating: 0, count: 1 << 16)
        let count = strftime(&buffer, buffer.count, expanded + "|", &time)
        guard count > 0 else { throw JinjaError(.limit, "a date is longer than \(buffer.count) bytes") }
        return String(decoding: buffer[..<(count - 1)].map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// With what C does not know, or what asks for a time zone, written out.
    private static func expanded(_ format: String) -> String {
        var result = ""
        var scalars = format.unicodeScalars[...]
        while let scalar = scalars.popFirst() {
            guard scalar == "%", let next = scalars.popFirst() else {
                result.unicodeScalars.append(scalar)
                continue
            }
            switch next {
            case "f": result += "000000"
            case "z", "Z": break
            default:
                result.unicodeScalars.append(scalar)
                result.unicodeScalars.append(next)
            }
        }
        return result
    }
}

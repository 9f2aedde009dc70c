import Foundation

/// Numbers, sizes and times as people read them.
package enum HumanFormat {
    /// `512 B`, `1.5 KiB`, `538 MiB`.
    package static func bytes(_ count: Int) -> String {
        guard count.magnitude >= 1024 else { return "\(count) B" }
        var value = Double(count)
        var unit = 0
        // 1023.5 would be printed as 1024 of the smaller unit.
        while abs(value) >= 1023.5, unit < byteUnits.count - 1 {
            value /= 1024
            unit += 1
        }
        return "\(threeDigits(value)) \(byteUnits[unit])"
    }

    /// `999`, `12.3k`, `135M`.
    package static func count(_ count: Int) -> String {
        guard count.magnitude >= 10_000 else { return "\(count)" }
        var value = Double(count)
        var unit = 0
        while abs(value) >= 999.5, unit < countUnits.count - 1 {
            value /= 1000
            unit += 1
        }
        return "\(threeDigits(value))\(countUnits[unit])"
    }

    /// `1 step`, `12 steps`.
    package static func counted(_ count: Int, _ noun: String) -> String { "\(count) \(noun)\(count == 1 ? "" : "s")" }

    /// `0.8s`, `12s`, `3m05s`, `2h00m`, `1d04h`.
    package static func duration(seconds: Double) -> String {
        guard seconds.isFinite, seconds < 1e9 else { return "?" }
        guard seconds >= 9.95 else { return String(format: "%.1fs", max(0, seconds)) }
        let whole = Int(seconds.rounded())
        let (days, hours, minutes) = (whole / 86_400, whole / 3600 % 24, whole / 60 % 60)
        if days > 0 { return String(format: "%dd%02dh", days, hours) }
        if hours > 0 { return String(format: "%dh%02dm", hours, minutes) }
        if minutes > 0 { return String(format: "%dm%02ds", minutes, whole % 60) }
        return "\(whole)s"
    }

    /// A metric in few characters: `0.6931`, `12.5`, `1.0e-06`.
    package static func metric(_ value: Double) -> String {
        guard value.isFinite else { return value.isNaN ? "nan" : value < 0 ? "-inf" : "inf" }
        if value == value.rounded(), abs(value) < 1e5 { return "\(Int(value))" }
        switch abs(value) {
        case 1e5...: return String(format: "%.2e", value)
        case 100...: return String(format: "%.1f", value)
        case 10...: return String(format: "%.2f", value)
        case 1e-3...: return String(format: "%.4f", value)
        default: return String(format: "%.1e", value)
        }
    }

    private static let byteUnits = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"]
    private static let countUnits = ["", "k", "M", "G", "T"]

    private static func threeDigits(_ value: Double) -> String {
        let magnitude = abs(value)
        return String(format: magnitude < 9.995 ? "%.2f" : magnitude < 99.95 ? "%.1f" : "%.0f", value)
    }
}

/// Durations as people write them: `90s`, `15m`, `3h50m`, `1d12h`; a bare number is seconds.
package enum DurationText {
    /// The seconds that the text stands for; `nil` where it is not a duration. Units go from large to small, each once.
    package static func seconds(_ text: String) -> Double? {
        if let seconds = Double(text), text.allSatisfy({ $0.isNumber || $0 == "." }) { return seconds }
        var total = 0.0
        var digits = ""
        var remaining = units[...]
        for character in text {
            guard let index = remaining.firstIndex(where: { $0.name == character }) else {
                digits.append(character)
                continue
            }
            guard let value = Int(digits), value >= 0 else { return nil }
            total += Double(value) * remaining[index].seconds
            remaining = remaining[(index + 1)...]
            digits = ""
        }
        return digits.isEmpty && !text.isEmpty ? total : nil
    }

    private static let units: [(name: Character, seconds: Double)] = [("d", 86_400), ("h", 3600), ("m", 60), ("s", 1)]
}

extension Duration {
    /// In seconds.
    package var seconds: Double { Double(components.seconds) + Double(components.attoseconds) * 1e-18 }
}

import PreferenceData

/// Makes damaged versions of a good input, the same ones on every run.
struct Mutator {
    private var random: SplitMix64
    /// Words that steer readers: numbers at the edges, signs that nest, and parts of encodings.
    private static let words = [
        "-1", "0", "1e999", "9223372036854775807", "9223372036854775808", "18446744073709551615",
        "-9223372036854775808",
        "0.5", "null", "true", "\"\"", "[", "{", "{\"", "]", "}", "\\u0000", "\\ud800", "..", "/", "\n", "\n\n", "- ",
        "&a ",
        "*a", "{%", "%}", "\u{FEFF}",
    ].map { Array($0.utf8) }

    init(seed: UInt64) { random = SplitMix64(seed) }

    /// One to eight changes to `input`.
    mutating func mutate(_ input: [UInt8]) -> [UInt8] {
        var bytes = input
        for _ in 0...random.next(below: 8) { change(&bytes) }
        return bytes
    }

    private mutating func change(_ bytes: inout [UInt8]) {
        let place = random.next(below: bytes.count + 1)
        let end = min(bytes.count, place + random.next(below: 16))
        switch random.next(below: 8) {
        case 0 where place < bytes.count: bytes[place] ^= 1 << UInt8(random.next(below: 8))
        case 1 where place < bytes.count: bytes[place] = UInt8(truncatingIfNeeded: random.next())
        case 2: bytes.removeSubrange(place..<end)
        case 3: bytes.removeSubrange(place...)
        case 4: bytes.insert(contentsOf: bytes[place..<end], at: random.next(below: bytes.count + 1))
        case 5:
            let word = Self.words[random.next(below: Self.words.count)]
            bytes.replaceSubrange(place..<end, with: repeatElement(word, count: 1 + random.next(below: 3)).joined())
        case 6: bytes.insert(contentsOf: Self.words[random.next(below: Self.words.count)], at: place)
        default: bytes.insert(UInt8(truncatingIfNeeded: random.next()), at: place)
        }
    }
}

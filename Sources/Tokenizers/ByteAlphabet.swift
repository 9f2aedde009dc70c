/// The printable characters that stand for bytes in byte-level vocabularies (GPT-2's `bytes_to_unicode`).
enum ByteAlphabet {
    /// The character of each byte.
    static let characters: [Unicode.Scalar] = {
        var next: UInt32 = 256
        return (0..<256).map { (byte: UInt32) in
            if (33...126).contains(byte) || (161...172).contains(byte) || (174...255).contains(byte) {
                return Unicode.Scalar(UInt8(byte))
            }
            defer { next += 1 }
            return Unicode.Scalar(next) ?? "\u{FFFD}"
        }
    }()

    private static let bytes: [UInt8?] = {
        var table = [UInt8?](repeating: nil, count: 0x180)
        for (byte, scalar) in characters.enumerated() { table[Int(scalar.value)] = UInt8(byte) }
        return table
    }()

    private static let spellings = characters.map { Array(String($0).utf8) }

    /// Appends the characters (UTF-8) that stand for `bytes`.
    static func encode(_ bytes: some Sequence<UInt8>, into result: inout [UInt8]) {
        for byte in bytes { result += spellings[Int(byte)] }
    }

    /// The bytes that `text` (UTF-8) stands for; `nil` where a character is outside the alphabet.
    static func decode(_ text: some Sequence<UInt8>) -> [UInt8]? {
        var result: [UInt8] = []
        return decode(text, into: &result) ? result : nil
    }

    /// Appends the bytes that `text` stands for; `false`, with nothing appended, where there are none.
    static func decode(_ text: some Sequence<UInt8>, into result: inout [UInt8]) -> Bool {
        let count = result.count
        func undo() -> Bool {
            result.removeLast(result.count - count)
            return false
        }
        var pending: UInt32 = 0
        for byte in text {
            // The alphabet lies below U+0180: one or two bytes a character.
            let value: UInt32
            if pending != 0 {
                guard byte & 0xC0 == 0x80 else { return undo() }
                value = (pending & 0x1F) << 6 | UInt32(byte & 0x3F)
                pending = 0
            } else if byte < 0x80 {
                value = UInt32(byte)
            } else if byte & 0xE0 == 0xC0 {
                pending = UInt32(byte)
                continue
            } else {
                return undo()
            }
            guard value < bytes.count, let decoded = bytes[Int(value)] else { return undo() }
            result.append(decoded)
        }
        return pending == 0 || undo()
    }
}

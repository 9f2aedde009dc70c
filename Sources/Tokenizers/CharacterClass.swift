/// What the pre-tokenizer patterns ask of a character: `\p{L}`, `\p{N}`, `\s` or none of them.
package enum CharacterClass: UInt8, Sendable {
    case other, letter, number, space

    /// The class of every Unicode scalar, in blocks of 256 with equal blocks shared (some 30 KB).
    ///
    /// Made once and never freed, so that reading it costs neither reference counting nor bounds checks; never written again.
    package struct Table: @unchecked Sendable {
        private let blocks: UnsafePointer<UInt16>
        private let classes: UnsafePointer<UInt8>

        package static let shared = Table()

        private init() {
            var index: [[UInt8]: UInt16] = [:]
            var blocks: [UInt16] = []
            var classes: [UInt8] = []
            for start in stride(from: UInt32(0), to: 0x110000, by: 256) {
                // Planes 4 to 13 have no characters; 15 and 16 are private use.
                let isEmpty = (0x40000..<0xE0000).contains(start) || start >= 0xF0000
                let block =
                    isEmpty
                    ? [UInt8](repeating: 0, count: 256)
                    : (start..<start + 256).map { Unicode.Scalar($0).map(CharacterClass.of)?.rawValue ?? 0 }
                if let known = index[block] {
                    blocks.append(known)
                } else {
                    let number = UInt16(classes.count / 256)
                    index[block] = number
                    blocks.append(number)
                    classes += block
                }
            }
            self.blocks = Self.immortal(blocks)
            self.classes = Self.immortal(classes)
        }

        private static func immortal<Element>(_ elements: [Element]) -> UnsafePointer<Element> {
            let copy = UnsafeMutablePointer<Element>.allocate(capacity: elements.count)
            copy.initialize(from: elements, count: elements.count)
            return UnsafePointer(copy)
        }

        @inline(__always)
        package func rawClass(_ scalar: UInt32) -> UInt8 {
            classes[Int(blocks[Int(scalar >> 8)]) << 8 | Int(scalar & 0xFF)]
        }
    }

    /// From the standard library's Unicode data, frozen at Unicode 16: token ids must not change with the Swift runtime,
    /// and this is the version that the `tokenizers` library's regular expressions know.
    private static func of(_ scalar: Unicode.Scalar) -> CharacterClass {
        let properties = scalar.properties
        if let age = properties.age, age.major > 16 { return .other }
        switch properties.generalCategory {
        case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter: return .letter
        case .decimalNumber, .letterNumber, .otherNumber: return .number
        default: return properties.isWhitespace ? .space : .other
        }
    }
}

/// Valid UTF-8 read a character at a time, with the class of each.
struct UTF8Reader {
    let text: UnsafeBufferPointer<UInt8>
    private let table = CharacterClass.table

    init(_ text: UnsafeBufferPointer<UInt8>) { self.text = text }

    @inline(__always)
    static func length(leading byte: UInt8) -> Int {
        byte < 0x80 ? 1 : byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4
    }

    /// The scalar that starts at `index` and its length. `text` holds whole characters, so the reads stay inside.
    @inline(__always)
    func scalar(at index: Int) -> (value: UInt32, length: Int) {
        let first = UInt32(text[index])
        if first < 0x80 { return (first, 1) }
        let second = UInt32(text[index + 1] & 0x3F)
        if first < 0xE0 { return ((first & 0x1F) << 6 | second, 2) }
        let third = UInt32(text[index + 2] & 0x3F)
        if first < 0xF0 { return ((first & 0x0F) << 12 | second << 6 | third, 3) }
        return ((first & 0x07) << 18 | second << 12 | third << 6 | UInt32(text[index + 3] & 0x3F), 4)
    }

    @inline(__always)
    func rawClass(at index: Int) -> (class: UInt8, length: Int) {
        let (value, length) = scalar(at: index)
        return (table[value], length)
    }

    @inline(__always)
    func isClass(_ wanted: CharacterClass, at index: Int) -> Bool {
        rawClass(at: index).class == wanted.rawValue
    }

    /// The end of the run of `wanted` that starts at `index` (which may be empty).
    @inline(__always)
    func endOfRun(_ wanted: CharacterClass, from index: Int, to end: Int, limit: Int = .max) -> Int {
        var index = index
        var count = 0
        while index < end, count < limit {
            let (found, length) = rawClass(at: index)
            guard found == wanted.rawValue else { break }
            index += length
            count += 1
        }
        return index
    }
}

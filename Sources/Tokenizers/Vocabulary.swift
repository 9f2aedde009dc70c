/// Token ids by text and texts by id: one flat byte buffer and an open-addressing table, without a `String` a lookup.
struct Vocabulary: Sendable {
    /// One more than the greatest id.
    private(set) var idLimit = 0
    private(set) var count = 0
    private var bytes: [UInt8] = []
    private var starts: [Int32] = []
    private var lengths: [Int32] = []
    private var slots: [Int32] = []

    /// Ids above this are refused: tables are sized by the greatest id.
    static let maximumID = 1 << 24 - 1

    /// - Parameter entries: texts and ids in `0...maximumID`; a text or id that was there already makes `duplicate` be called.
    init(_ entries: [(text: [UInt8], id: Int)], duplicate: (Int) throws -> Void) rethrows {
        idLimit = (entries.lazy.map(\.id).max() ?? -1) + 1
        starts = [Int32](repeating: -1, count: idLimit)
        lengths = [Int32](repeating: 0, count: idLimit)
        bytes.reserveCapacity(entries.reduce(0) { $0 + $1.text.count })
        var capacity = 16
        while capacity < entries.count * 2 { capacity *= 2 }
        slots = [Int32](repeating: -1, count: capacity)
        for (index, entry) in entries.enumerated() {
            guard starts[entry.id] < 0, entry.text.withUnsafeBufferPointer({ id(of: $0) }) == nil else {
                try duplicate(index)
                continue
            }
            starts[entry.id] = Int32(bytes.count)
            lengths[entry.id] = Int32(entry.text.count)
            bytes += entry.text
            var slot = entry.text.withUnsafeBufferPointer { hash($0) } & (slots.count - 1)
            while slots[slot] >= 0 { slot = (slot + 1) & (slots.count - 1) }
            slots[slot] = Int32(entry.id)
            count += 1
        }
    }

    func id(of text: UnsafeBufferPointer<UInt8>) -> Int32? {
        var slot = hash(text) & (slots.count - 1)
        while slots[slot] >= 0 {
            let id = Int(slots[slot])
            if lengths[id] == text.count, equals(text, at: Int(starts[id])) { return Int32(id) }
            slot = (slot + 1) & (slots.count - 1)
        }
        return nil
    }

    func id(of text: String) -> Int32? {
        var text = text
        return text.withUTF8 { id(of: $0) }
    }

    func text(of id: Int) -> ArraySlice<UInt8>? {
        guard id >= 0, id < idLimit, starts[id] >= 0 else { return nil }
        return bytes[Int(starts[id])..<Int(starts[id] + lengths[id])]
    }

    private func equals(_ text: UnsafeBufferPointer<UInt8>, at start: Int) -> Bool {
        for index in 0..<text.count where bytes[start + index] != text[index] { return false }
        return true
    }

    private func hash(_ text: UnsafeBufferPointer<UInt8>) -> Int {
        Int(truncatingIfNeeded: hashBytes(text) >> 16)
    }
}

/// A fast hash of a few bytes (multiply and fold, eight bytes a step); for tables in memory only.
@inline(__always)
func hashBytes(_ bytes: UnsafeBufferPointer<UInt8>) -> UInt64 {
    let multiplier: UInt64 = 0x9E37_79B9_7F4A_7C15
    var hash = UInt64(bytes.count) &* multiplier
    var index = 0
    guard let base = UnsafeRawPointer(bytes.baseAddress) else { return hash }
    while index + 8 <= bytes.count {
        hash = (hash ^ base.loadUnaligned(fromByteOffset: index, as: UInt64.self)) &* multiplier
        hash ^= hash >> 29
        index += 8
    }
    var tail: UInt64 = 0
    while index < bytes.count {
        tail = tail << 8 | UInt64(bytes[index])
        index += 1
    }
    hash = (hash ^ tail) &* multiplier
    return hash ^ hash >> 32
}

/// Token ids of the words met so far, in a fixed amount of memory (some 3 MB); it starts again when that is full.
///
/// Words of natural text repeat so much that most of encoding is finding them here.
final class WordCache {
    /// Longer words are rare and not worth their memory.
    static let longestWord = 64

    private struct Slot {
        var hash: UInt64
        var text: Int32
        var ids: Int32
        var textCount: UInt16
        var idCount: UInt16
    }

    private static let slotCount = 1 << 16
    private static let textCapacity = 1 << 19
    private static let idCapacity = 1 << 18

    private let slots = UnsafeMutableBufferPointer<Slot>.allocate(capacity: slotCount)
    private let texts = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: textCapacity)
    private let ids = UnsafeMutableBufferPointer<Int32>.allocate(capacity: idCapacity)
    private var count = 0
    private var textEnd = 0
    private var idEnd = 0

    init() { removeAll() }

    deinit {
        slots.deallocate()
        texts.deallocate()
        ids.deallocate()
    }

    /// Appends the ids of `word` to `output`; `false` where they are not known.
    @inline(__always)
    func append(_ word: UnsafeBufferPointer<UInt8>, hash: UInt64, to output: inout [Int32]) -> Bool {
        var index = Int(truncatingIfNeeded: hash) & (Self.slotCount - 1)
        while true {
            let slot = slots[index]
            if slot.textCount == 0 { return false }
            if slot.hash == hash, Int(slot.textCount) == word.count, equals(word, at: Int(slot.text)) {
                for offset in 0..<Int(slot.idCount) { output.append(ids[Int(slot.ids) + offset]) }
                return true
            }
            index = (index + 1) & (Self.slotCount - 1)
        }
    }

    /// Remembers a word of 1 to `longestWord` bytes that is not there yet.
    func insert(_ word: UnsafeBufferPointer<UInt8>, hash: UInt64, ids newIDs: ArraySlice<Int32>) {
        if count >= Self.slotCount / 2 || textEnd + word.count > Self.textCapacity
            || idEnd + newIDs.count > Self.idCapacity
        {
            removeAll()
        }
        var index = Int(truncatingIfNeeded: hash) & (Self.slotCount - 1)
        while slots[index].textCount != 0 { index = (index + 1) & (Self.slotCount - 1) }
        slots[index] = Slot(
            hash: hash, text: Int32(textEnd), ids: Int32(idEnd), textCount: UInt16(word.count),
            idCount: UInt16(newIDs.count))
        for byte in word {
            texts[textEnd] = byte
            textEnd += 1
        }
        for id in newIDs {
            ids[idEnd] = id
            idEnd += 1
        }
        count += 1
    }

    private func removeAll() {
        slots.initialize(repeating: Slot(hash: 0, text: 0, ids: 0, textCount: 0, idCount: 0))
        count = 0
        textEnd = 0
        idEnd = 0
    }

    @inline(__always)
    private func equals(_ word: UnsafeBufferPointer<UInt8>, at start: Int) -> Bool {
        for index in 0..<word.count where texts[start + index] != word[index] { return false }
        return true
    }
}

/// The merges of a byte-pair encoding: a pair of adjacent ids to the merge's rank (lower comes first) and resulting id.
struct MergeTable: Sendable, Equatable {
    private var keys: [UInt64]
    private var ranks: [Int32]
    private let results: [Int32]
    private let shift: UInt64

    static let none = Int32.max
    private static let empty = UInt64.max

    /// - Parameter merges: by rank. Where a pair comes twice, the later rank counts, as in the `tokenizers` library.
    init(_ merges: [(left: Int32, right: Int32, result: Int32)]) {
        var bits: UInt64 = 4
        while 1 << bits < merges.count * 2 { bits += 1 }
        shift = 64 - bits
        keys = [UInt64](repeating: Self.empty, count: 1 << bits)
        ranks = [Int32](repeating: Self.none, count: 1 << bits)
        results = merges.map(\.result)
        for (rank, merge) in merges.enumerated() {
            let slot = slot(of: Self.key(merge.left, merge.right))
            keys[slot] = Self.key(merge.left, merge.right)
            ranks[slot] = Int32(rank)
        }
    }

    /// The rank of merging `left` and `right`, or `none`.
    @inline(__always)
    func rank(_ left: Int32, _ right: Int32) -> Int32 {
        ranks[slot(of: Self.key(left, right))]
    }

    @inline(__always)
    func result(ofRank rank: Int32) -> Int32 { results[Int(rank)] }

    @inline(__always)
    private static func key(_ left: Int32, _ right: Int32) -> UInt64 {
        UInt64(UInt32(bitPattern: left)) << 32 | UInt64(UInt32(bitPattern: right))
    }

    /// The slot that holds `key`, or the empty one where it would go.
    @inline(__always)
    private func slot(of key: UInt64) -> Int {
        let mask = keys.count - 1
        var slot = Int(truncatingIfNeeded: (key &* 0x9E37_79B9_7F4A_7C15) >> shift)
        while keys[slot] != key, keys[slot] != Self.empty { slot = (slot + 1) & mask }
        return slot
    }
}

/// The BPE model: a word's characters (or bytes) become symbols, then the adjacent pair of lowest rank is merged, the
/// leftmost first, until no pair has a merge.
struct BytePairEncoder: Sendable {
    let vocabulary: Vocabulary
    let merges: MergeTable
    /// Words come as bytes, for which the vocabulary has characters of the byte alphabet.
    let isByteLevel: Bool
    /// The id of each byte's character, or of each ASCII character; -1 where the vocabulary has none.
    let byteSymbols: [Int32]
    /// What stands for a character outside the vocabulary; without it, such a character is left out.
    let unknownID: Int32?
    /// Neighbouring unknown characters become one `unknownID`.
    let fusesUnknown: Bool
    /// The ids of `<0x00>` to `<0xFF>`, -1 where there is none; `nil` without byte fallback.
    let fallbackIDs: [Int32]?
    /// A word that is in the vocabulary as it stands is not merged; keyed by the word's own bytes.
    let wholeWords: Vocabulary?
    /// No merge joins a character with a `▁` after it, so text may be taken apart between the two and its words cached.
    let separatesAtSpace: Bool

    /// `▁`, SentencePiece's visible space, in UTF-8.
    static let visibleSpace: [UInt8] = [0xE2, 0x96, 0x81]

    struct Workspace: Sendable {
        var symbols: [Int32] = []
        var ranks: [Int32] = []
        var next: [Int32] = []
        var previous: [Int32] = []
        var heap: [UInt64] = []
    }

    /// Up to here a scan for the best pair is quicker than a heap.
    private static let longestScan = 32

    /// Appends the ids of `word`.
    func encode(_ word: UnsafeBufferPointer<UInt8>, workspace: inout Workspace, into output: inout [Int32]) {
        if let wholeWords, let id = wholeWords.id(of: word) {
            output.append(id)
            return
        }
        workspace.symbols.removeAll(keepingCapacity: true)
        if isByteLevel {
            appendBytes(word, &workspace.symbols)
        } else {
            appendCharacters(word, &workspace.symbols)
        }
        if workspace.symbols.count <= Self.longestScan {
            mergeByScanning(&workspace)
        } else {
            mergeByHeap(&workspace)
        }
        output += workspace.symbols
    }

    private func mergeByScanning(_ workspace: inout Workspace) {
        var count = workspace.symbols.count
        guard count > 1 else { return }
        workspace.ranks.removeAll(keepingCapacity: true)
        for index in 0..<count - 1 {
            workspace.ranks.append(merges.rank(workspace.symbols[index], workspace.symbols[index + 1]))
        }
        workspace.symbols.withUnsafeMutableBufferPointer { symbols in
            workspace.ranks.withUnsafeMutableBufferPointer { ranks in
                while count > 1 {
                    var best = 0
                    for index in 1..<count - 1 where ranks[index] < ranks[best] { best = index }
                    guard ranks[best] != MergeTable.none else { break }
                    symbols[best] = merges.result(ofRank: ranks[best])
                    for index in best + 1..<count - 1 {
                        symbols[index] = symbols[index + 1]
                        ranks[index - 1] = ranks[index]
                    }
                    count -= 1
                    if best > 0 { ranks[best - 1] = merges.rank(symbols[best - 1], symbols[best]) }
                    if best + 1 < count { ranks[best] = merges.rank(symbols[best], symbols[best + 1]) }
                }
            }
        }
        workspace.symbols.removeLast(workspace.symbols.count - count)
    }

    /// For long words: a heap of (rank, position) over a linked list; entries that no longer hold are passed over.
    private func mergeByHeap(_ workspace: inout Workspace) {
        let count = workspace.symbols.count
        workspace.next = (1...count).map { $0 < count ? Int32($0) : -1 }
        workspace.previous = (0..<count).map { Int32($0) - 1 }
        workspace.ranks = [Int32](repeating: MergeTable.none, count: count)
        workspace.heap.removeAll(keepingCapacity: true)
        for index in 0..<count - 1 { rankPair(at: index, &workspace) }
        while let entry = workspace.heap.popMinimum() {
            let left = Int(entry & 0xFFFF_FFFF)
            let rank = Int32(truncatingIfNeeded: entry >> 32)
            guard workspace.ranks[left] == rank else { continue }
            let right = Int(workspace.next[left])
            workspace.symbols[left] = merges.result(ofRank: rank)
            workspace.symbols[right] = -1
            workspace.ranks[right] = MergeTable.none
            let after = workspace.next[right]
            workspace.next[left] = after
            if after >= 0 { workspace.previous[Int(after)] = Int32(left) }
            rankPair(at: left, &workspace)
            if workspace.previous[left] >= 0 { rankPair(at: Int(workspace.previous[left]), &workspace) }
        }
        workspace.symbols.removeAll { $0 < 0 }
    }

    private func rankPair(at index: Int, _ workspace: inout Workspace) {
        let next = workspace.next[index]
        let rank =
            next < 0 ? MergeTable.none : merges.rank(workspace.symbols[index], workspace.symbols[Int(next)])
        workspace.ranks[index] = rank
        if rank != MergeTable.none { workspace.heap.insert(UInt64(rank) << 32 | UInt64(index)) }
    }
}

extension [UInt64] {
    /// As a binary heap with the smallest element first.
    fileprivate mutating func insert(_ element: UInt64) {
        append(element)
        var index = count - 1
        while index > 0, self[(index - 1) / 2] > self[index] {
            swapAt(index, (index - 1) / 2)
            index = (index - 1) / 2
        }
    }

    fileprivate mutating func popMinimum() -> UInt64? {
        guard let minimum = first, let last = popLast() else { return nil }
        guard !isEmpty else { return minimum }
        self[0] = last
        var index = 0
        while true {
            var child = 2 * index + 1
            guard child < count else { break }
            if child + 1 < count, self[child + 1] < self[child] { child += 1 }
            guard self[child] < self[index] else { break }
            swapAt(index, child)
            index = child
        }
        return minimum
    }
}

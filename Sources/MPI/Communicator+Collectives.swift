import COpenMPI

extension Communicator {
    /// Bytes of one piece of a long collective call.
    ///
    /// Fixed, because it is part of the result's bits: from three ranks on, the order of additions depends on an
    /// element's place in its piece. Pieces of 1 to 8 MiB are also twice as fast as one long call.
    public static let chunkBytes = 4 << 20

    /// Waits, spinning, for all ranks.
    public func barrier() throws {
        guard size > 1 else { return }
        try collective("barrier") {
            try check(MPI_Barrier(handle), "barrier", on: name)
        }
    }

    /// Replaces every rank's `buffer` by the element-wise reduction over ranks: the same bits on every rank and run.
    public func allReduce<Element: MPIElement>(
        _ buffer: UnsafeMutableBufferPointer<Element>, _ reduction: ReductionOperator = .sum
    ) throws {
        guard size > 1 else { return }
        try collective("allReduce(\(reduction)) of \(buffer.count) \(Element.self)") {
            try forEachChunk(of: buffer) { start, count in
                MPI_Allreduce(mpo_in_place(), start, count, Element.datatype, reduction.handle, handle)
            }
        }
    }

    /// The element-wise reduction of `values` over ranks.
    public func allReduce<Element: MPIElement>(_ values: [Element], _ reduction: ReductionOperator = .sum) throws
        -> [Element]
    {
        var result = values
        try result.withUnsafeMutableBufferPointer { try allReduce($0, reduction) }
        return result
    }

    /// The reduction of one value a rank.
    public func allReduce<Element: MPIElement>(_ value: Element, _ reduction: ReductionOperator = .sum) throws
        -> Element
    {
        try allReduce([value], reduction)[0]
    }

    /// Replaces the `buffer` of rank `root` by the element-wise sum over ranks, with the same bits in every run; the others' are
    /// as they were.
    public func reduce<Element: MPIElement>(_ buffer: UnsafeMutableBufferPointer<Element>, root: Int) throws {
        checkRoot(root)
        guard size > 1 else { return }
        try collective("reduce(root \(root)) of \(buffer.count) \(Element.self)") {
            try forEachChunk(of: buffer) { start, count in
                rank == root
                    ? MPI_Reduce(mpo_in_place(), start, count, Element.datatype, mpo_sum(), Int32(root), handle)
                    : MPI_Reduce(start, nil, count, Element.datatype, mpo_sum(), Int32(root), handle)
            }
        }
    }

    /// Overwrites every rank's `buffer` with that of rank `root`.
    public func broadcast<Element: MPIElement>(_ buffer: UnsafeMutableBufferPointer<Element>, root: Int) throws {
        checkRoot(root)
        guard size > 1 else { return }
        try collective("broadcast(root \(root)) of \(buffer.count) \(Element.self)") {
            try forEachChunk(of: buffer) { start, count in
                MPI_Bcast(start, count, Element.datatype, Int32(root), handle)
            }
        }
    }

    /// Rank `root`'s bytes, whose number the others need not know; what they pass is ignored.
    public func broadcast(_ bytes: [UInt8], root: Int) throws -> [UInt8] {
        guard size > 1 else {
            checkRoot(root)
            return bytes
        }
        var count = Int64(bytes.count)
        try withUnsafeMutablePointer(to: &count) {
            try broadcast(UnsafeMutableBufferPointer(start: $0, count: 1), root: root)
        }
        var result = rank == root ? bytes : [UInt8](repeating: 0, count: Int(count))
        try result.withUnsafeMutableBufferPointer { try broadcast($0, root: root) }
        return result
    }

    /// Every rank's bytes, on every rank, in order of rank. Their numbers may differ.
    public func allGather(_ bytes: [UInt8]) throws -> [[UInt8]] {
        guard size > 1 else { return [bytes] }
        var gathered: [[UInt8]] = []
        try collective("allGather") {
            gathered = try gatherPieces(bytes, isReceiver: true) { piece, counts, offsets, all in
                MPI_Allgatherv(
                    piece.baseAddress, Int32(piece.count), mpo_byte(), all, counts, offsets, mpo_byte(), handle)
            }
        }
        return gathered
    }

    /// Every rank's bytes in order of rank, on rank `root`; `nil` on the others. Their numbers may differ.
    public func gather(_ bytes: [UInt8], root: Int) throws -> [[UInt8]]? {
        checkRoot(root)
        guard size > 1 else { return [bytes] }
        var gathered: [[UInt8]] = []
        try collective("gather(root \(root))") {
            gathered = try gatherPieces(bytes, isReceiver: rank == root) { piece, counts, offsets, all in
                MPI_Gatherv(
                    piece.baseAddress, Int32(piece.count), mpo_byte(), all, counts, offsets, mpo_byte(), Int32(root),
                    handle)
            }
        }
        return rank == root ? gathered : nil
    }

    /// Calls `gather` on one piece a rank at a time until the longest contribution is through.
    private func gatherPieces(
        _ bytes: [UInt8], isReceiver: Bool,
        _ gather: (UnsafeRawBufferPointer, [Int32], [Int32], UnsafeMutableRawPointer?) -> Int32
    ) throws -> [[UInt8]] {
        var sizes = [Int64](repeating: 0, count: size)
        var own = Int64(bytes.count)
        try check(MPI_Allgather(&own, 1, mpo_int64(), &sizes, 1, mpo_int64(), handle), "gather of sizes", on: name)

        // MPI's displacements are `Int32` too: a round of pieces stays under 1 GiB.
        let piece = min(Self.chunkBytes, (1 << 30) / size)
        var results = sizes.map { size in
            var result: [UInt8] = []
            if isReceiver { result.reserveCapacity(Int(size)) }
            return result
        }
        let longest = Int(sizes.max() ?? 0)
        for start in stride(from: 0, to: longest, by: piece) {
            let counts = sizes.map { Int32(max(0, min(piece, Int($0) - start))) }
            var total: Int32 = 0
            let offsets = counts.map { count in
                defer { total += count }
                return total
            }
            var all = [UInt8](repeating: 0, count: isReceiver ? Int(total) : 0)
            let code = bytes.withUnsafeBytes { bytes in
                let first = min(start, bytes.count)
                let part = UnsafeRawBufferPointer(rebasing: bytes[first..<first + Int(counts[rank])])
                return all.withUnsafeMutableBytes { gather(part, counts, offsets, $0.baseAddress) }
            }
            try check(code, "gather", on: name)
            guard isReceiver else { continue }
            for rank in 0..<size where counts[rank] > 0 {
                results[rank] += all[Int(offsets[rank])..<Int(offsets[rank] + counts[rank])]
            }
        }
        return results
    }

    private func forEachChunk<Element>(
        of buffer: UnsafeMutableBufferPointer<Element>, _ call: (UnsafeMutablePointer<Element>, Int32) -> Int32
    ) throws {
        guard let base = buffer.baseAddress else { return }
        let chunk = Self.chunkBytes / MemoryLayout<Element>.stride
        for start in stride(from: 0, to: buffer.count, by: chunk) {
            try check(call(base + start, Int32(min(chunk, buffer.count - start))), "collective call", on: name)
        }
    }

    private func checkRoot(_ root: Int) {
        precondition((0..<size).contains(root), "rank \(root) is not in '\(name)' of \(size)")
    }
}

import Foundation
import MPI

typealias Scenario = @Sendable (MPIRuntime) throws -> Int32

let scenarios: [String: Scenario] = [
    "size": { runtime in
        if runtime.world.rank == 0 { print("size \(runtime.world.size)") }
        return 0
    },
    "status": { _ in 75 },
    "allReduce": allReduce, "extremes": extremes, "reduce": reduce, "broadcast": broadcast, "gather": gather,
    "split": split,
    "anySource": anySource, "exchange": exchange, "parts": parts, "buffers": buffers, "whileWaiting": whileWaiting,
    "idle": idle, "wakeUp": wakeUp, "speed": speed,
    "signsOfLife": signsOfLife, "severed": severed, "mismatch": mismatch, "throw": throwOnOneRank,
    "configuration": configuration, "alone": alone,
]

/// Sums over three chunks and a remainder; prints a hash of the result's bits.
private func allReduce(_ runtime: MPIRuntime) throws -> Int32 {
    let world = runtime.world
    let count = 2 * Communicator.chunkBytes / 4 + 777
    var values = (0..<count).map { value(world.rank, $0) }
    try values.withUnsafeMutableBufferPointer { try world.allReduce($0) }
    for index in 0..<count {
        let terms = (0..<world.size).map { Double(value($0, index)) }
        let (sum, scale) = (terms.reduce(0, +), terms.map(abs).max() ?? 0)
        let error = abs(Double(values[index]) - sum)
        try expect(error <= 1e-6 * scale * Double(world.size), "element \(index) is off by \(error)")
    }
    let bits = Int64(bitPattern: values.withUnsafeBytes { hash($0) })
    let (lowest, highest) = (try world.allReduce(bits, .min), try world.allReduce(bits, .max))
    try expect(lowest == highest, "ranks differ in their bits")
    if world.rank == 0 { print("bits \(bits)") }
    return 0
}

/// Sums of more than a chunk, to every rank in turn.
private func reduce(_ runtime: MPIRuntime) throws -> Int32 {
    let world = runtime.world
    let count = Communicator.chunkBytes / 4 + 5
    for root in 0..<world.size {
        var values = (0..<count).map { Float(world.rank + 1) * Float($0 % 1000) }
        try values.withUnsafeMutableBufferPointer { try world.reduce($0, root: root) }
        let factor = Float(world.rank == root ? world.size * (world.size + 1) / 2 : world.rank + 1)
        let isRight = values.indices.allSatisfy { values[$0] == factor * Float($0 % 1000) }
        try expect(isRight, "the sum to rank \(root)")
    }
    return 0
}

private func extremes(_ runtime: MPIRuntime) throws -> Int32 {
    let (rank, size) = (runtime.world.rank, runtime.world.size)
    let values = [Double(rank), Double(-rank), 7]
    let (lowest, highest) = (try runtime.world.allReduce(values, .min), try runtime.world.allReduce(values, .max))
    try expect(lowest == [0, -Double(size - 1), 7], "minimum \(lowest)")
    try expect(highest == [Double(size - 1), 0, 7], "maximum \(highest)")
    try expect(try runtime.world.allReduce(Int32(rank + 1)) == Int32(size * (size + 1) / 2), "sum of Int32")
    try expect(try runtime.world.allReduce([UInt8]()) == [], "an empty reduction")
    return 0
}

/// Sizes around the edges of a chunk, from every root.
private func broadcast(_ runtime: MPIRuntime) throws -> Int32 {
    let world = runtime.world
    for root in 0..<world.size {
        for count in [0, 1, Communicator.chunkBytes - 1, Communicator.chunkBytes, Communicator.chunkBytes + 1] {
            let bytes = try world.broadcast(world.rank == root ? pattern(count, root) : [], root: root)
            try expect(bytes == pattern(count, root), "\(count) bytes from rank \(root) came as \(bytes.count) others")
        }
    }
    return 0
}

/// Contributions that are empty, small, and longer than a chunk.
private func gather(_ runtime: MPIRuntime) throws -> Int32 {
    let world = runtime.world
    func count(_ rank: Int) -> Int { [0, 5, Communicator.chunkBytes + 3][rank % 3] }
    let all = (0..<world.size).map { pattern(count($0), $0) }
    try expect(try world.allGather(all[world.rank]) == all, "allGather differs")
    let root = world.size - 1
    try expect(try world.gather(all[world.rank], root: root) == (world.rank == root ? all : nil), "gather differs")
    try world.barrier()
    return 0
}

private func split(_ runtime: MPIRuntime) throws -> Int32 {
    let world = runtime.world
    let copy = try world.duplicate(name: "control")
    try expect((copy.rank, copy.size) == (world.rank, world.size), "the duplicate has another shape")
    let node = try world.splitShared()
    try expect(node.size == world.size, "\(node.size) ranks on this node")
    // Odd ranks in reversed order; rank zero is in neither.
    let color: Int? = world.rank == 0 ? nil : world.rank % 2
    let part = try copy.split(color: color, key: -world.rank, name: "part")
    let members = Array((1..<max(1, world.size)).filter { $0 % 2 == color }.reversed())
    try expect(part?.worldRanks == (world.rank == 0 ? nil : members), "members \(part?.worldRanks ?? [])")
    if let part {
        try expect(try part.allReduce(Int64(1)) == Int64(members.count), "a sum over part of the world")
    }
    return 0
}

/// Ends with status 3 on one rank, the last, while the others wait for each other.
private func throwOnOneRank(_ runtime: MPIRuntime) throws -> Int32 {
    if runtime.world.rank == runtime.world.size - 1 { throw Failure("the disk\nis full", status: 3) }
    try runtime.world.barrier()
    return 0
}

/// Every rank finds the same mistake, or, with a second argument, only the rank it names.
private func configuration(_ runtime: MPIRuntime) throws -> Int32 {
    let only = CommandLine.arguments.dropFirst(2).first.flatMap(Int.init)
    if only == nil || only == runtime.world.rank { throw Failure("config.yaml: no key 'betta'", status: 2) }
    try runtime.world.quietBarrier()
    return 0
}

/// With `MPO_MPI_CHECK=1` one rank's different order is an error.
private func mismatch(_ runtime: MPIRuntime) throws -> Int32 {
    _ = try runtime.world.allReduce(Float(1))
    if runtime.world.rank == 1 {
        _ = try runtime.world.allReduce([Float](repeating: 1, count: 4))
    } else {
        try runtime.world.barrier()
    }
    return 0
}

/// What a lone process may do with itself.
private func alone(_ runtime: MPIRuntime) throws -> Int32 {
    let world = runtime.world
    try world.send([1, 2], to: 0, tag: 4)
    try world.post([3], to: 0, tag: 5)
    try world.flush()
    try expect(try world.receive(tag: 5) == Message(source: 0, tag: 5, bytes: [3]), "the message of tag 5")
    try expect(try world.receive() == Message(source: 0, tag: 4, bytes: [1, 2]), "the message of tag 4")
    try world.quietBarrier()
    do {
        _ = try world.receive()
    } catch MPIError.nothingToReceive {
        return 0
    }
    throw Failure("a receive without a sender returned")
}

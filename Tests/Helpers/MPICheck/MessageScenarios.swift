import Foundation
import MPI

/// Every rank but zero sends mixed sizes, some far beyond what MPI sends eagerly; rank zero takes them as they come.
func anySource(_ runtime: MPIRuntime) throws -> Int32 {
    let world = runtime.world
    let sizes = [0, 10, 70_000, 3_000_000]
    if world.rank > 0 {
        for (tag, size) in sizes.enumerated() { try world.send(pattern(size, world.rank), to: 0, tag: tag) }
        return 0
    }
    var next = [Int](repeating: 0, count: world.size)
    for _ in 0..<(world.size - 1) * sizes.count {
        let message = try world.receive()
        try expect(message.tag == next[message.source], "rank \(message.source) overtook itself")
        try expect(message.bytes == pattern(sizes[message.tag], message.source), "message \(message.tag) is damaged")
        next[message.source] += 1
    }
    try expect(try world.receiveIfPresent() == nil, "one message too many")
    return 0
}

/// All ranks post long messages to each other before anybody receives.
func exchange(_ runtime: MPIRuntime) throws -> Int32 {
    let world = runtime.world
    let count = 2_000_000
    for peer in 0..<world.size { try world.post(pattern(count, world.rank), to: peer, tag: 1) }
    for peer in 0..<world.size {
        let message = try world.receive(from: peer, tag: 1)
        try expect(message.bytes == pattern(count, peer), "the message from rank \(peer) is damaged")
    }
    try world.flush()
    return 0
}

/// Messages that travel in several parts, among them such as fill their last part.
func parts(_ runtime: MPIRuntime) throws -> Int32 {
    let world = runtime.world
    world.partSize = 1000
    let sizes = [999, 1000, 1001, 3000, 123_456]
    if world.rank > 0 {
        for size in sizes { try world.send(pattern(size, world.rank), to: 0, tag: 9) }
        let floats = (0..<777).map { value(world.rank, $0) }
        try floats.withUnsafeBufferPointer { try world.send($0, to: 0, tag: 10) }
        return 0
    }
    for _ in 0..<(world.size - 1) * sizes.count {
        let message = try world.receive(tag: 9)
        try expect(sizes.contains(message.bytes.count), "a message of \(message.bytes.count) bytes")
        try expect(message.bytes == pattern(message.bytes.count, message.source), "a damaged message")
    }
    for source in 1..<max(1, world.size) {
        var floats = [Float](repeating: 0, count: 777)
        try floats.withUnsafeMutableBufferPointer { try world.receive(into: $0, from: source, tag: 10) }
        try expect(floats == (0..<777).map { value(source, $0) }, "numbers from rank \(source) are damaged")
    }
    return 0
}

/// Numbers straight into a buffer; a wrong count is an error.
func buffers(_ runtime: MPIRuntime) throws -> Int32 {
    let world = runtime.world
    var numbers = (0..<1_000_000).map { Double($0 + world.rank) }
    if world.rank == 1 {
        try numbers.withUnsafeBufferPointer { try world.send($0, to: 0, tag: 1) }
        try numbers.withUnsafeBufferPointer { try world.send($0, to: 0, tag: 2) }
    } else if world.rank == 0 {
        try numbers.withUnsafeMutableBufferPointer { try world.receive(into: $0, from: 1, tag: 1) }
        try expect(numbers[7] == 8 && numbers[999_999] == 1_000_000, "damaged numbers")
        var short = [Float](repeating: 0, count: 3)
        do {
            try short.withUnsafeMutableBufferPointer { try world.receive(into: $0, from: 1, tag: 2) }
        } catch MPIError.wrongSize(source: 1, tag: 2, expected: 12, received: 8_000_000) {
            return 0
        }
        throw Failure("a message of another size was accepted")
    }
    return 0
}

/// A wait that its caller ends; prints how often it was asked and after how many seconds it ended.
func whileWaiting(_ runtime: MPIRuntime) throws -> Int32 {
    guard runtime.world.rank == 0 else { return 0 }
    struct Enough: Error {}
    var elapsed: [Double] = []
    do {
        _ = try runtime.world.receive { seconds in
            elapsed.append(seconds)
            if seconds >= 1 { throw Enough() }
        }
    } catch is Enough {
        print("asked \(elapsed.count) last \(elapsed.last ?? 0)")
        return 0
    }
    throw Failure("received a message nobody sent")
}

/// Rank zero is late by two seconds; prints the share of a core that the last rank spent in each kind of waiting.
func idle(_ runtime: MPIRuntime) throws -> Int32 {
    let world = runtime.world
    let last = world.size - 1
    if world.rank == 0 {
        sleep(2)
        for rank in 1..<world.size { try world.send([], to: rank, tag: 1) }
        sleep(2)
        try world.quietBarrier()
        sleep(2)
        _ = try world.receive(from: last, tag: 2)
        let shares = try world.receive(from: last, tag: 3).bytes
        print(String(decoding: shares, as: UTF8.self))
        return 0
    }
    let long = pattern(5_000_000, 0)
    let receive = try coreShare { _ = try world.receive() }
    let barrier = try coreShare { try world.quietBarrier() }
    let send = try coreShare { if world.rank == last { try world.send(long, to: 0, tag: 2) } }
    if world.rank == last { try world.send(Array("\(receive) \(barrier) \(send)".utf8), to: 0, tag: 3) }
    return 0
}

/// Prints the median seconds from a send to the end of a receive that has waited for long.
func wakeUp(_ runtime: MPIRuntime) throws -> Int32 {
    let world = runtime.world
    var delays: [Double] = []
    for _ in 0..<60 where world.rank < 2 {
        if world.rank == 1 {
            usleep(20_000 + UInt32.random(in: 0..<3000))
            try world.send(Array("\(now())".utf8), to: 0, tag: 1)
        } else {
            let message = try world.receive(from: 1)
            delays.append(now() - (Double(String(decoding: message.bytes, as: UTF8.self)) ?? 0))
        }
    }
    if world.rank == 0 { print(delays.sorted()[delays.count / 2]) }
    return 0
}

/// Prints the seconds of an all-reduce and of a broadcast of as many floats as a model of 134.5 M parameters has.
func speed(_ runtime: MPIRuntime) throws -> Int32 {
    let world = runtime.world
    var values = [Float](repeating: 1, count: 134_515_008)
    try values.withUnsafeMutableBufferPointer { values in
        for _ in 0..<4 {
            try world.barrier()
            let start = now()
            try world.allReduce(values)
            let middle = now()
            try world.broadcast(values, root: 0)
            if world.rank == 0 { print("all-reduce \(middle - start) s, broadcast \(now() - middle) s") }
        }
    }
    return 0
}

private func now() -> Double { Double(DispatchTime.now().uptimeNanoseconds) * 1e-9 }

private func coreShare(_ body: () throws -> Void) rethrows -> Double {
    let (start, used) = (now(), clock())
    try body()
    return Double(clock() - used) / Double(CLOCKS_PER_SEC) / (now() - start)
}

import Foundation
import MPI

/// How far the clocks of a job's ranks are apart: each host counts from its own start.
package enum ClockOffset {
    private static let rounds = 16

    /// Nanoseconds that this rank's clock is behind rank zero's, which is 0 on rank zero itself; all ranks call it.
    ///
    /// Ranks that read one clock are told the same, exactly 0 beside rank zero. Of any other clock rank zero asks the
    /// first rank that reads it. Of several answers the fastest counts, taken to be from the middle of the way: the
    /// error is at most half of that round trip (Cristian 1989).
    package static func estimate(over control: Communicator) throws -> Int64 {
        let clocks = try control.allGather(Array(thisClock.utf8))
        let askedRanks = clocks.indices.filter { clocks.firstIndex(of: clocks[$0]) == $0 }
        guard control.rank == 0 else {
            if askedRanks.contains(control.rank) { try answer(over: control) }
            return try decoded(try control.receive(from: 0, tag: MessageTag.clock))
        }
        var offsets: [[UInt8]: Int64] = [clocks[0]: 0]
        for rank in askedRanks.dropFirst() { offsets[clocks[rank]] = try ask(rank, over: control) }
        for rank in 1..<control.size {
            try control.send(encoded(offsets[clocks[rank], default: 0]), to: rank, tag: MessageTag.clock)
        }
        return 0
    }

    /// What names a clock: processes of one kernel and one time namespace read the same.
    private static var thisClock: String {
        let boot = try? String(contentsOfFile: "/proc/sys/kernel/random/boot_id", encoding: .utf8)
        let namespace = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/ns/time")
        // A rank that cannot tell has a clock of its own.
        guard let boot, let namespace else { return UUID().uuidString }
        return boot + namespace
    }

    private static func ask(_ rank: Int, over control: Communicator) throws -> Int64 {
        var best = (roundTrip: Int64.max, offset: Int64(0))
        for _ in 0..<rounds {
            let start = Int64(Tracer.now)
            try control.send([], to: rank, tag: MessageTag.clock)
            let theirs = try decoded(try control.receive(from: rank, tag: MessageTag.clock))
            let end = Int64(Tracer.now)
            if end - start < best.roundTrip { best = (end - start, start + (end - start) / 2 - theirs) }
        }
        return best.offset
    }

    private static func answer(over control: Communicator) throws {
        for _ in 0..<rounds {
            _ = try control.receive(from: 0, tag: MessageTag.clock)
            try control.send(encoded(Int64(Tracer.now)), to: 0, tag: MessageTag.clock)
        }
    }

    private static func encoded(_ number: Int64) -> [UInt8] {
        var writer = ByteWriter()
        writer.write(number)
        return writer.bytes
    }

    private static func decoded(_ message: Message) throws -> Int64 {
        var reader = ByteReader(message.bytes)
        return try reader.read(Int64.self)
    }
}

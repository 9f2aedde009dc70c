import MPI

/// How far the clocks of a job's ranks are apart: each host counts from its own start.
package enum ClockOffset {
    private static let rounds = 16

    /// Nanoseconds that this rank's clock is behind rank zero's, which is 0 on rank zero itself; all ranks call it.
    ///
    /// Rank zero asks each rank for its time. Of several answers the fastest counts, taken to be from the middle of
    /// the way: the error is at most half of that round trip (Cristian 1989).
    package static func estimate(over control: Communicator) throws -> Int64 {
        guard control.rank == 0 else {
            for _ in 0..<rounds {
                _ = try control.receive(from: 0, tag: MessageTag.clock)
                try control.send(encoded(Int64(Tracer.now)), to: 0, tag: MessageTag.clock)
            }
            return try decoded(try control.receive(from: 0, tag: MessageTag.clock))
        }
        for rank in 1..<control.size {
            var best = (roundTrip: Int64.max, offset: Int64(0))
            for _ in 0..<rounds {
                let start = Int64(Tracer.now)
                try control.send([], to: rank, tag: MessageTag.clock)
                let theirs = try decoded(try control.receive(from: rank, tag: MessageTag.clock))
                let end = Int64(Tracer.now)
                if end - start < best.roundTrip { best = (end - start, start + (end - start) / 2 - theirs) }
            }
            try control.send(encoded(best.offset), to: rank, tag: MessageTag.clock)
        }
        return 0
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

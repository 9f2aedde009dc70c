import COpenMPI

extension Communicator {
    /// Makes a collective call that spins, known as such to this rank's ``LifeLine``.
    func collective(_ call: @autoclosure () -> String, _ body: () throws -> Void) throws {
        try agree(call())
        activity.isInCollective.store(true, ordering: .relaxed)
        defer { activity.isInCollective.store(false, ordering: .relaxed) }
        try body()
    }

    /// With `MPO_MPI_CHECK=1`, compares what all ranks are about to do, so that a wrong order is an error with names in
    /// place of a hang or of silently mixed data. Every collective call starts here, so these comparisons always meet.
    func agree(_ call: @autoclosure () -> String) throws {
        guard isChecked, size > 1, let handle else { return }
        let width = 96
        let own = Array(call().utf8.prefix(width))
        let record = own + [UInt8](repeating: 0, count: width - own.count)
        var records = [UInt8](repeating: 0, count: width * size)
        try record.withUnsafeBytes { record in
            try records.withUnsafeMutableBytes { records in
                var request: MPI_Request? = mpo_request_null()
                let code = MPI_Iallgather(
                    record.baseAddress, Int32(width), mpo_byte(), records.baseAddress, Int32(width), mpo_byte(), handle,
                    &request)
                try check(code, "check", on: name)
                try QuietWait.until { try isComplete(&request, on: name) }
            }
        }

        var ranks: [String: [Int]] = [:]
        for rank in 0..<size {
            let bytes = records[rank * width..<(rank + 1) * width].prefix { $0 != 0 }
            ranks[String(decoding: bytes, as: UTF8.self), default: []].append(rank)
        }
        guard ranks.count > 1 else { return }
        let calls = ranks.sorted { $0.value[0] < $1.value[0] }.map { call, ranks in
            ranks.count == 1 ? "rank \(ranks[0]) calls \(call)" : "ranks \(listed(ranks)) call \(call)"
        }
        throw MPIError.mismatchedCollectives(communicator: name, calls: calls.joined(separator: ", "))
    }
}

/// `0-3, 5`: ascending ranks with runs joined.
private func listed(_ ranks: [Int]) -> String {
    var runs: [ClosedRange<Int>] = []
    for rank in ranks {
        if let last = runs.last, last.upperBound == rank - 1 {
            runs[runs.count - 1] = last.lowerBound...rank
        } else {
            runs.append(rank...rank)
        }
    }
    return runs.map { $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound)-\($0.upperBound)" }.joined(separator: ", ")
}

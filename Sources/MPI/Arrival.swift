import COpenMPI

/// A message that a probe has taken out of the queue, still to be read.
struct Arrival {
    var handle: MPI_Message?
    var status: MPI_Status

    var source: Int { Int(status.MPI_SOURCE) }
    var tag: Int { Int(status.MPI_TAG) }

    func receive(on communicator: String) throws -> [UInt8] {
        let count = try byteCount(on: communicator)
        return try [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
            try read(into: buffer.baseAddress, count: count, on: communicator)
            initialized = count
        }
    }

    func receive(into buffer: UnsafeMutableRawBufferPointer, on communicator: String) throws {
        let count = try byteCount(on: communicator)
        guard count == buffer.count else {
            // The message is out of the queue already: read it, so that its sender can go on.
            _ = try receive(on: communicator)
            throw MPIError.wrongSize(source: source, tag: tag, expected: buffer.count, received: count)
        }
        try read(into: buffer.baseAddress, count: count, on: communicator)
    }

    private func byteCount(on communicator: String) throws -> Int {
        var status = status
        var count: Int32 = 0
        try check(MPI_Get_count(&status, mpo_byte(), &count), "count", on: communicator)
        return Int(count)
    }

    private func read(into start: UnsafeMutableRawPointer?, count: Int, on communicator: String) throws {
        var handle = handle
        let code = MPI_Mrecv(start, Int32(count), mpo_byte(), &handle, nil)
        try check(code, "receive from rank \(source)", on: communicator)
    }
}

/// Whether a request is through. Looks twice: the first look only makes progress.
func isComplete(_ request: inout MPI_Request?, on communicator: String) throws -> Bool {
    var flag: Int32 = 0
    for _ in 0..<2 where flag == 0 {
        try check(MPI_Test(&request, &flag, nil), "wait", on: communicator)
    }
    return flag != 0
}

import COpenMPI

/// Messages on their way, which keep their bytes until MPI no longer reads them.
final class Outbox {
    var parcels: [OutgoingMessage] = []

    /// Lets go of what is sent; whether nothing is left.
    @discardableResult
    func clear(_ communicator: String) throws -> Bool {
        try parcels.removeAll { try $0.isSent(on: communicator) }
        return parcels.isEmpty
    }
}

/// One message on its way, in as many parts as its length needs.
final class OutgoingMessage {
    let bytes: UnsafeRawBufferPointer
    private var requests: [MPI_Request?] = []

    init(_ source: [UInt8]) {
        let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: source.count, alignment: 16)
        copy.copyBytes(from: source)
        bytes = UnsafeRawBufferPointer(copy)
    }

    deinit {
        // A message that never went out keeps its bytes: MPI may still read them.
        if requests.isEmpty { bytes.deallocate() }
    }

    func post(_ part: UnsafeRawBufferPointer, _ send: (UnsafeRawBufferPointer, inout MPI_Request?) throws -> Void)
        throws
    {
        var request: MPI_Request? = mpo_request_null()
        try send(part, &request)
        requests.append(request)
    }

    func isSent(on communicator: String) throws -> Bool {
        for index in requests.indices {
            guard try isComplete(&requests[index], on: communicator) else { return false }
        }
        requests = []
        return true
    }
}

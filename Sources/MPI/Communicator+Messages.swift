import COpenMPI

/// Bytes from one rank to another.
public struct Message: Sendable, Equatable {
    /// The sender's rank in the communicator.
    public var source: Int
    /// What kind of message it is, as its sender says.
    public var tag: Int
    /// What was sent.
    public var bytes: [UInt8]

    /// A message from rank `source`.
    public init(source: Int, tag: Int, bytes: [UInt8]) {
        (self.source, self.tag, self.bytes) = (source, tag, bytes)
    }
}

/// Messages between two ranks keep their order; waits sleep (`QuietWait`) and may watch for signals in `whileWaiting`.
extension Communicator {
    /// Starts to send and returns at once; the bytes go out during later calls on any communicator.
    ///
    /// Two ranks may post to each other without waiting for each other, however long their messages are.
    public func post(_ bytes: [UInt8], to destination: Int, tag: Int) throws {
        _ = try start(bytes, to: destination, tag: tag)
    }

    /// Sends, and returns when the bytes are out of this rank's hands: for long messages, when their receiver is there.
    public func send(_ bytes: [UInt8], to destination: Int, tag: Int, whileWaiting: WhileWaiting? = nil) throws {
        guard let parcel = try start(bytes, to: destination, tag: tag) else { return }
        try QuietWait.until(whileWaiting) { try parcel.isSent(on: name) }
        try outbox.clear(name)
    }

    /// Waits until everything posted is out of this rank's hands.
    public func flush(whileWaiting: WhileWaiting? = nil) throws {
        try QuietWait.until(whileWaiting) { try outbox.clear(name) }
    }

    /// Waits for a message; `nil` stands for any source or any tag.
    ///
    /// - Throws: `MPIError`, or what `whileWaiting` throws.
    public func receive(
        from source: Int? = nil, tag: Int? = nil, whileWaiting: WhileWaiting? = nil
    ) throws -> Message {
        var message: Message?
        try QuietWait.until(whileWaiting) {
            message = try receiveIfPresent(from: source, tag: tag)
            return message != nil || size == 1 || source == rank
        }
        guard let message else { throw MPIError.nothingToReceive(communicator: name) }
        return message
    }

    /// A message that has arrived, if there is one.
    public func receiveIfPresent(from source: Int? = nil, tag: Int? = nil) throws -> Message? {
        let matches: (Message) -> Bool = { (source ?? $0.source) == $0.source && (tag ?? $0.tag) == $0.tag }
        if let index = inbox.firstIndex(where: matches) { return inbox.remove(at: index) }
        guard size > 1, let first = try probe(from: source, tag: tag) else { return nil }
        var message = Message(source: first.source, tag: first.tag, bytes: try first.receive(on: name))
        var last = message.bytes.count
        // A full part says that another follows, if only an empty one.
        while last == partSize {
            var next: Arrival?
            try QuietWait.until {
                next = try probe(from: message.source, tag: message.tag)
                return next != nil
            }
            let part = try next?.receive(on: name) ?? []
            message.bytes += part
            last = part.count
        }
        return message
    }

    /// Sends numbers whose count the receiver knows. If this throws, the memory must stay valid until the process ends.
    public func send<Element: MPIElement>(
        _ buffer: UnsafeBufferPointer<Element>, to destination: Int, tag: Int, whileWaiting: WhileWaiting? = nil
    ) throws {
        checkPeer(destination)
        let bytes = UnsafeRawBufferPointer(buffer)
        guard destination != rank else {
            return inbox.append(Message(source: rank, tag: tag, bytes: Array(bytes)))
        }
        for start in stride(from: 0, to: max(1, bytes.count), by: partSize) {
            let part = UnsafeRawBufferPointer(rebasing: bytes[start..<min(start + partSize, bytes.count)])
            var request: MPI_Request? = mpo_request_null()
            let code = MPI_Isend(
                part.baseAddress, Int32(part.count), mpo_byte(), Int32(destination), Int32(tag), handle, &request)
            try check(code, "send to rank \(destination)", on: name)
            try QuietWait.until(whileWaiting) { try isComplete(&request, on: name) }
        }
    }

    /// Receives as many numbers as `buffer` holds, straight into it.
    ///
    /// - Throws: `MPIError.wrongSize` where the sender's count is another.
    public func receive<Element: MPIElement>(
        into buffer: UnsafeMutableBufferPointer<Element>, from source: Int, tag: Int, whileWaiting: WhileWaiting? = nil
    ) throws {
        checkPeer(source)
        let bytes = UnsafeMutableRawBufferPointer(buffer)
        guard source != rank else {
            let message = try receive(from: source, tag: tag, whileWaiting: whileWaiting)
            try message.checkSize(bytes.count)
            return bytes.copyBytes(from: message.bytes)
        }
        for start in stride(from: 0, to: max(1, bytes.count), by: partSize) {
            let part = UnsafeMutableRawBufferPointer(rebasing: bytes[start..<min(start + partSize, bytes.count)])
            var arrival: Arrival?
            try QuietWait.until(whileWaiting) {
                arrival = try probe(from: source, tag: tag)
                return arrival != nil
            }
            try arrival?.receive(into: part, on: name)
        }
    }

    /// Waits for all ranks without spinning: for places that ranks reach at very different times.
    public func quietBarrier(whileWaiting: WhileWaiting? = nil) throws {
        guard size > 1 else { return }
        try agree("quietBarrier")
        var request: MPI_Request? = mpo_request_null()
        try check(MPI_Ibarrier(handle, &request), "barrier", on: name)
        try QuietWait.until(whileWaiting) { try isComplete(&request, on: name) }
    }

    private func start(_ bytes: [UInt8], to destination: Int, tag: Int) throws -> OutgoingMessage? {
        checkPeer(destination)
        guard destination != rank else {
            inbox.append(Message(source: rank, tag: tag, bytes: bytes))
            return nil
        }
        try outbox.clear(name)
        let parcel = OutgoingMessage(bytes)
        outbox.parcels.append(parcel)
        for start in stride(from: 0, through: bytes.count, by: partSize) {
            let part = parcel.bytes[start..<min(start + partSize, bytes.count)]
            try parcel.post(UnsafeRawBufferPointer(rebasing: part)) { part, request in
                let code = MPI_Isend(
                    part.baseAddress, Int32(part.count), mpo_byte(), Int32(destination), Int32(tag), handle, &request)
                try check(code, "send to rank \(destination)", on: name)
            }
        }
        return parcel
    }

    private func probe(from source: Int?, tag: Int?) throws -> Arrival? {
        // The first look only makes progress: what it moves along is there for the second.
        for _ in 0..<2 {
            var flag: Int32 = 0
            var handle: MPI_Message?
            var status = MPI_Status()
            let code = MPI_Improbe(
                source.map(Int32.init) ?? mpo_any_source(), tag.map(Int32.init) ?? mpo_any_tag(), self.handle, &flag,
                &handle, &status)
            try check(code, "probe", on: name)
            if flag != 0 { return Arrival(handle: handle, status: status) }
        }
        return nil
    }

    private func checkPeer(_ peer: Int) {
        precondition((0..<size).contains(peer), "rank \(peer) is not in '\(name)' of \(size)")
    }
}

extension Message {
    fileprivate func checkSize(_ expected: Int) throws {
        guard bytes.count == expected else {
            throw MPIError.wrongSize(source: source, tag: tag, expected: expected, received: bytes.count)
        }
    }
}

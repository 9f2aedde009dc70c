import CTorch

/// What is read from a tensor on the host, or written to it there.
extension Tensor {
    /// The elements as float32, row by row.
    public func floats() -> [Float] { elements(.float32, 0) }

    /// The elements as float64, row by row.
    public func doubles() -> [Double] { elements(.float64, 0) }

    /// The elements as int64, row by row.
    public func integers() -> [Int64] { elements(.int64, 0) }

    /// The only element of a tensor that has one.
    public func item() -> Double {
        precondition(count == 1, "a tensor of shape \(shape) has no single element")
        return doubles()[0]
    }

    /// The elements of several tensors of one device as float64, each row by row, in one transfer: what waits for a device
    /// waits once.
    public static func doubles(of tensors: [Tensor]) -> [[Double]] {
        guard !tensors.isEmpty else { return [] }
        let parts = tensors.map { $0.detached().reshaped([-1]).converted(to: .float64) }
        let all = concatenated(parts).doubles()
        var end = 0
        return parts.map { part in
            defer { end += part.count }
            return Array(all[end..<end + part.count])
        }
    }

    private func elements<Element>(_ type: ScalarType, _ zero: Element) -> [Element] {
        let count = count
        return [Element](unsafeUninitializedCapacity: count) { buffer, initialized in
            perform("copy to host", self) {
                ct_copy_to_host(handle, type.code, buffer.baseAddress, count * MemoryLayout<Element>.stride)
            }
            initialized = count
        }
    }

    /// What is done with elements that are staged in host memory.
    package enum Staging: Sendable {
        /// They are read; changing them is a mistake, for it may go unnoticed.
        case reading
        /// All of them are set; what stood there may not be seen.
        case overwriting
        /// They are read and changed.
        case updating
    }

    /// The elements as float32 in host memory, row by row, for messages between processes and for files; valid inside `body`
    /// alone.
    ///
    /// Where the tensor itself is contiguous float32 on the CPU this is its own memory, and nothing is copied. Else it is a
    /// copy, which is written back after `body`, unless that only reads or throws.
    package func withStagedFloats<Result, Failure>(
        for staging: Staging, _ body: (UnsafeMutableBufferPointer<Float>) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try withStaged(.float32, for: staging) { (bytes) throws(Failure) in try body(bytes.bindMemory(to: Float.self)) }
    }

    /// The same in the tensor's own type, as bytes.
    package func withStagedBytes<Result, Failure>(
        for staging: Staging, _ body: (UnsafeMutableRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try withStaged(type, for: staging, body)
    }

    private func withStaged<Result, Failure>(
        _ type: ScalarType, for staging: Staging, _ body: (UnsafeMutableRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        let isOwn = placement == Placement(type) && isContiguous
        let staged = isOwn ? self : staged(type, for: staging)
        defer { withExtendedLifetime(staged) {} }
        let result = try body(UnsafeMutableRawBufferPointer(start: staged.address, count: count * type.size))
        if staging != .reading, !isOwn { copy(from: staged) }
        return result
    }

    private func staged(_ type: ScalarType, for staging: Staging) -> Tensor {
        guard device != .cpu || staging == .overwriting else { return placed(Placement(type)).contiguous() }
        // What a card copies to and from directly.
        let staged = device == .cpu ? Tensor.empty(shape, Placement(type)) : Tensor.emptyPinned(shape, type)
        if staging != .overwriting { staged.copy(from: self) }
        return staged
    }

    /// The bytes of the elements, row by row, in host memory; valid inside `body` alone.
    func withStagedBytes<Result, Failure>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        let staged = placed(Placement(type)).contiguous()
        defer { withExtendedLifetime(staged) {} }
        return try body(UnsafeRawBufferPointer(start: staged.address, count: byteCount))
    }

    /// Whether the elements are float32 in host memory, row by row.
    var isInHostFloats: Bool { placement == .float32 && isContiguous }

    /// Whether the elements lie in order.
    var isContiguous: Bool { ct_is_contiguous(handle) }

    /// Bytes its elements take.
    var byteCount: Int { count * type.size }

    /// Where the first element of a tensor of the CPU lies; `nil` where there is none.
    private var address: UnsafeMutableRawPointer? {
        var address: UnsafeMutableRawPointer?
        perform("data", self) { ct_data(handle, &address) }
        return address
    }
}

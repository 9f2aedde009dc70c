import CTorch

extension Tensor {
    /// A float32 tensor with these elements, row by row; `shape` defaults to one dimension.
    public convenience init(_ elements: [Float], shape: [Int]? = nil) {
        self.init(elements, .float32, shape)
    }

    /// A float64 tensor with these elements.
    public convenience init(_ elements: [Double], shape: [Int]? = nil) {
        self.init(elements, .float64, shape)
    }

    /// An int64 tensor with these elements.
    public convenience init(_ elements: [Int64], shape: [Int]? = nil) {
        self.init(elements, .int64, shape)
    }

    /// An int64 tensor with these elements: what indices are made of.
    public convenience init(indices elements: some Collection<Int32>) {
        self.init(elements.map { Int64($0) }, .int64, nil)
    }

    private convenience init<Element>(_ elements: [Element], _ type: ScalarType, _ shape: [Int]?) {
        let shape = shape ?? [elements.count]
        precondition(shape.reduce(1, *) == elements.count, "\(elements.count) elements for shape \(shape)")
        var handle: OpaquePointer?
        let status = elements.withUnsafeBytes { bytes in
            shape.withInt64 { ct_from_data(bytes.baseAddress, type.code, $0.baseAddress, $0.count, &handle) }
        }
        guard status == 0, let handle else { fail("from data", []) }
        self.init(owning: handle)
    }

    /// A tensor of `shape` with every element `value`.
    public static func full(_ value: Double, _ shape: [Int], _ type: ScalarType = .float32) -> Tensor {
        tensor("full") { out in shape.withInt64 { ct_full(value, type.code, $0.baseAddress, $0.count, out) } }
    }

    /// A tensor of zeros.
    public static func zeros(_ shape: [Int], _ type: ScalarType = .float32) -> Tensor {
        full(0, shape, type)
    }

    /// A tensor whose elements are whatever memory holds.
    public static func empty(_ shape: [Int], _ type: ScalarType = .float32) -> Tensor {
        tensor("empty") { out in shape.withInt64 { ct_empty(type.code, $0.baseAddress, $0.count, out) } }
    }

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

    private func elements<Element>(_ type: ScalarType, _ zero: Element) -> [Element] {
        let count = count
        return [Element](unsafeUninitializedCapacity: count) { buffer, initialized in
            perform("copy to host", self) {
                ct_copy_to_host(handle, type.code, buffer.baseAddress, count * MemoryLayout<Element>.stride)
            }
            initialized = count
        }
    }

    /// The memory of a contiguous float32 tensor, for messages between processes and files. Changing it changes the tensor;
    /// it is valid inside `body` only.
    public func withUnsafeMutableFloats<Result, Failure>(
        _ body: (UnsafeMutableBufferPointer<Float>) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        precondition(type == .float32 && ct_is_contiguous(handle), "\(shape) \(type) is not contiguous float32")
        let pointer = address?.assumingMemoryBound(to: Float.self)
        defer { withExtendedLifetime(self) {} }
        return try body(UnsafeMutableBufferPointer(start: pointer, count: count))
    }

    /// Where the first element lies; `nil` where there is none.
    var address: UnsafeMutableRawPointer? {
        var address: UnsafeMutableRawPointer?
        perform("data", self) { ct_data(handle, &address) }
        return address
    }
}

extension [Int] {
    func withInt64<Result>(_ body: (UnsafeBufferPointer<Int64>) -> Result) -> Result {
        map(Int64.init).withUnsafeBufferPointer(body)
    }
}

import CTorch

extension Tensor {
    /// A float32 tensor with these elements, row by row; `shape` defaults to one dimension.
    public convenience init(_ elements: [Float], shape: [Int]? = nil, on device: Device = .cpu) {
        self.init(elements, Placement(.float32, on: device), shape)
    }

    /// A float64 tensor with these elements.
    public convenience init(_ elements: [Double], shape: [Int]? = nil, on device: Device = .cpu) {
        self.init(elements, Placement(.float64, on: device), shape)
    }

    /// An int64 tensor with these elements.
    public convenience init(_ elements: [Int64], shape: [Int]? = nil, on device: Device = .cpu) {
        self.init(elements, Placement(.int64, on: device), shape)
    }

    /// An int64 tensor with these elements: what indices are made of.
    public convenience init(indices elements: some Collection<Int32>, on device: Device = .cpu) {
        self.init(elements.map { Int64($0) }, Placement(.int64, on: device), nil)
    }

    private convenience init<Element>(_ elements: [Element], _ placement: Placement, _ shape: [Int]?) {
        let shape = shape ?? [elements.count]
        precondition(shape.reduce(1, *) == elements.count, "\(elements.count) elements for shape \(shape)")
        var handle: OpaquePointer?
        let status = elements.withUnsafeBytes { bytes in
            shape.withInt64 { ct_from_data(bytes.baseAddress, placement.code, $0.baseAddress, $0.count, &handle) }
        }
        guard status == 0, let handle else { fail("from data", []) }
        self.init(owning: handle)
    }

    /// A tensor of `shape` with every element `value`.
    public static func full(_ value: Double, _ shape: [Int], _ placement: Placement = .float32) -> Tensor {
        tensor("full") { out in shape.withInt64 { ct_full(value, placement.code, $0.baseAddress, $0.count, out) } }
    }

    /// A tensor of zeros.
    public static func zeros(_ shape: [Int], _ placement: Placement = .float32) -> Tensor {
        full(0, shape, placement)
    }

    /// `count` zeros that take memory only once they are written to, where they are float32 of the CPU.
    static func unusedZeros(_ count: Int, _ placement: Placement) -> Tensor {
        tensor("unused zeros") { ct_unused_zeros(placement.code, Int64(count), $0) }
    }

    /// Elements of the CPU, in memory that cards copy to and from directly.
    static func emptyPinned(_ shape: [Int], _ type: ScalarType) -> Tensor {
        tensor("empty") { out in shape.withInt64 { ct_empty_pinned(type.code, $0.baseAddress, $0.count, out) } }
    }

    /// A tensor whose elements are whatever memory holds.
    public static func empty(_ shape: [Int], _ placement: Placement = .float32) -> Tensor {
        tensor("empty") { out in shape.withInt64 { ct_empty(placement.code, $0.baseAddress, $0.count, out) } }
    }
}

extension [Int] {
    func withInt64<Result>(_ body: (UnsafeBufferPointer<Int64>) -> Result) -> Result {
        map(Int64.init).withUnsafeBufferPointer(body)
    }
}

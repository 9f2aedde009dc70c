import CTorch

/// A tensor: one handle on LibTorch's reference-counted storage, freed with the last reference to it.
///
/// Operators do not throw. Shapes and types are the program's own business, so an operator that fails is a programmer's
/// error, or memory that ran out: it prints rank, operator and shapes, and ends the process, which ends the job.
/// Tensors stay on the thread that made them.
public final class Tensor {
    let handle: OpaquePointer

    /// Takes over a handle that the shim gave out.
    init(owning handle: OpaquePointer) {
        self.handle = handle
    }

    deinit {
        ct_tensor_free(handle)
    }

    /// The extent of each dimension.
    public var shape: [Int] {
        (0..<rank).map { Int(ct_size(handle, Int64($0))) }
    }

    /// How many dimensions; 0 for a scalar.
    public var rank: Int { Int(ct_rank(handle)) }

    /// How many elements.
    public var count: Int { shape.reduce(1, *) }

    /// Whether a backward pass reaches this tensor.
    public var requiresGradient: Bool { ct_requires_gradient(handle) }
}

/// The type of a tensor's elements.
public enum ScalarType: Sendable, Hashable {
    case float16, bfloat16, float32, float64, int32, int64, int8, uint8, bool

    /// Bytes an element takes.
    public var size: Int {
        switch self {
        case .int8, .uint8, .bool: 1
        case .float16, .bfloat16: 2
        case .float32, .int32: 4
        case .float64, .int64: 8
        }
    }

    var code: ct_scalar_type {
        switch self {
        case .float16: CT_FLOAT16
        case .bfloat16: CT_BFLOAT16
        case .float32: CT_FLOAT32
        case .float64: CT_FLOAT64
        case .int32: CT_INT32
        case .int64: CT_INT64
        case .int8: CT_INT8
        case .uint8: CT_UINT8
        case .bool: CT_BOOL
        }
    }

    init(_ code: ct_scalar_type) {
        switch code {
        case CT_FLOAT16: self = .float16
        case CT_BFLOAT16: self = .bfloat16
        case CT_FLOAT32: self = .float32
        case CT_FLOAT64: self = .float64
        case CT_INT32: self = .int32
        case CT_INT64: self = .int64
        case CT_UINT8: self = .uint8
        case CT_BOOL: self = .bool
        default: preconditionFailure("LibTorch's scalar type \(code.rawValue) has no counterpart here")
        }
    }
}

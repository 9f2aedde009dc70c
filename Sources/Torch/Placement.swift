import CTorch

/// Where tensors lie and operators run.
public enum Device: Sendable, Hashable {
    /// The host's memory and cores.
    case cpu
    /// A card of NVIDIA's, by its number.
    case cuda(Int)
}

/// What a tensor's elements are and where they lie; operators give results with the placement of their operands.
public struct Placement: Sendable, Hashable {
    /// The type of the elements.
    public var type: ScalarType
    /// Where they lie.
    public var device: Device

    /// Elements of `type` on a device.
    public init(_ type: ScalarType = .float32, on device: Device = .cpu) {
        self.type = type
        self.device = device
    }

    /// float32 on the CPU.
    public static let float32 = Placement(.float32)
    /// float64 on the CPU.
    public static let float64 = Placement(.float64)
    /// bfloat16 on the CPU.
    public static let bfloat16 = Placement(.bfloat16)
    /// int64 on the CPU: what indices are made of.
    public static let int64 = Placement(.int64)

    var code: ct_placement { ct_placement(type: type.code, device: device.code, index: device.index) }

    init(_ code: ct_placement) {
        let device: Device
        switch code.device {
        case CT_CPU: device = .cpu
        case CT_CUDA: device = .cuda(Int(code.index))
        default: preconditionFailure("LibTorch's device \(code.device.rawValue) has no counterpart here")
        }
        self.init(ScalarType(code.type), on: device)
    }
}

extension Device {
    var code: ct_device {
        switch self {
        case .cpu: CT_CPU
        case .cuda: CT_CUDA
        }
    }

    var index: Int32 {
        switch self {
        case .cpu: 0
        case .cuda(let index): Int32(index)
        }
    }
}

extension Tensor {
    /// What its elements are and where they lie.
    public var placement: Placement { Placement(ct_placement_of(handle)) }

    /// The type of the elements.
    public var type: ScalarType { placement.type }

    /// Where the elements lie.
    public var device: Device { placement.device }

    /// The elements in another type or on another device; this tensor's own storage if it has that placement.
    public func placed(_ placement: Placement) -> Tensor {
        tensor("place", self) { ct_to(handle, placement.code, $0) }
    }

    /// The elements in another type, where they lie; this tensor's own storage if it has that type.
    public func converted(to type: ScalarType) -> Tensor { placed(Placement(type, on: device)) }
}

import CTorch

/// Which device is asked for.
public enum DeviceChoice: String, Sendable, CaseIterable {
    /// A card where one can be used, else the CPU.
    case auto
    /// The CPU.
    case cpu
    /// A card of NVIDIA's.
    case cuda
}

/// Why a card that was asked for cannot be used, in one line.
public struct DeviceError: Error, CustomStringConvertible, Sendable {
    /// What is wrong, and a way out.
    public let description: String
}

extension TorchRuntime {
    /// The device that a process takes, and what there is to say about it.
    public struct DeviceFinding: Sendable {
        /// Where models lie.
        public let device: Device
        /// Why a LibTorch for cards computes on the CPU.
        public let note: String?
    }

    /// Finds the device that a process is to take, and makes it its own; called before the first operator.
    ///
    /// Processes of one host share its cards evenly, by their place among each other.
    ///
    /// - Parameter isDeterministic: Whether a card computes with the same bits each time.
    /// - Throws: where a card is asked for and there is none.
    public static func device(
        _ choice: DeviceChoice, localRank: Int = 0, isDeterministic: Bool = true
    ) throws(DeviceError) -> DeviceFinding {
        guard choice != .cpu else { return DeviceFinding(device: .cpu, note: nil) }
        switch ct_load_cuda() {
        case CT_CUDA_USABLE:
            let index = localRank % max(1, Int(ct_cuda_count()))
            perform("device") { ct_use_cuda(Int32(index), isDeterministic) }
            return DeviceFinding(device: .cuda(index), note: nil)
        case CT_CUDA_ABSENT:
            guard choice == .cuda else { return DeviceFinding(device: .cpu, note: nil) }
            throw DeviceError(
                description:
                    "device is cuda, but this LibTorch \(version) was built for CPUs alone: start with one of the "
                    + "same version that was built for CUDA (its lib folder in LD_LIBRARY_PATH), or write device: cpu")
        default:
            let cause = String(cString: ct_last_error()).split(whereSeparator: \.isNewline).joined(separator: " ")
            guard choice == .cuda else {
                return DeviceFinding(device: .cpu, note: "no card can be used, so this runs on the CPU: \(cause)")
            }
            throw DeviceError(description: "device is cuda, but no card can be used: \(cause); or write device: cpu")
        }
    }

    /// How many cards this process finds.
    public static var cardCount: Int { Int(ct_cuda_count()) }

    /// The name of a card, such as `NVIDIA H100 80GB HBM3`; `nil` for the CPU.
    public static func name(of device: Device) -> String? {
        guard case .cuda(let index) = device else { return nil }
        var name = [CChar](repeating: 0, count: 256)
        perform("device name") { ct_cuda_name(Int32(index), &name, name.count) }
        return String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// 16 bytes, in hexadecimal, that no other card has, or its number where the driver does not tell; `nil` for the CPU.
    package static func identity(of device: Device) -> String? {
        guard case .cuda(let index) = device else { return nil }
        var bytes = [UInt8](repeating: 0, count: 16)
        guard ct_cuda_identity(Int32(index), &bytes) == 0 else { return "\(index)" }
        return bytes.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
    }

    /// Bytes of a card's memory; `nil` for the CPU, and where LibTorch does not tell.
    package static func memory(of device: Device) -> (free: Int, total: Int)? {
        guard case .cuda(let index) = device else { return nil }
        var (free, total): (Int64, Int64) = (0, 0)
        guard ct_cuda_memory(Int32(index), &free, &total) == 0 else { return nil }
        return (Int(free), Int(total))
    }

    /// The most bytes that tensors on a card took at a time, and the most that were taken from it for them, since
    /// ``forgetPeak(of:)``; `nil` for the CPU, and where LibTorch does not tell.
    package static func peak(of device: Device) -> (tensors: Int, taken: Int)? {
        guard case .cuda(let index) = device else { return nil }
        var (tensors, taken): (Int64, Int64) = (0, 0)
        guard ct_cuda_peak(Int32(index), &tensors, &taken) == 0 else { return nil }
        return (Int(tensors), Int(taken))
    }

    /// Begins to measure ``peak(of:)`` anew.
    package static func forgetPeak(of device: Device) {
        guard case .cuda(let index) = device else { return }
        // Where that fails figures are of all that came before, too.
        _ = ct_cuda_forget_peak(Int32(index))
    }

    /// Waits until a device has done all that it was asked for, as clocks ask.
    package static func synchronize(_ device: Device) {
        perform("synchronize") { ct_synchronize(Placement(on: device).code) }
    }
}

/// This program was built for another version of LibTorch than the one it finds, which would go wrong in silence.
public struct LibTorchMismatch: Error, CustomStringConvertible, Sendable {
    /// The version that was found.
    public let found: String

    /// Both versions and the way out, in one line.
    public var description: String {
        "this program was built for LibTorch \(TorchRuntime.version), but finds \(found): give it one of the same minor "
            + "version (LD_LIBRARY_PATH), or build it for \(found)"
    }

    /// - Throws: where the first two numbers of the versions differ.
    static func check() throws(LibTorchMismatch) {
        let found = String(cString: ct_loaded_version())
        guard minor(found) != minor(TorchRuntime.version) else { return }
        throw LibTorchMismatch(found: found.isEmpty ? "one of unknown version" : found)
    }

    private static func minor(_ version: String) -> [Substring] { Array(version.split(separator: ".").prefix(2)) }
}

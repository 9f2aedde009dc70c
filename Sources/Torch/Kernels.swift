import CTorch
import Foundation

/// Who computes what there are several kernels for.
package enum KernelSet: String, Sendable, CaseIterable {
    /// Kernels written by hand where they serve, on the CPU in float32; elsewhere the composed ones.
    case cpu
    /// Operators composed of LibTorch's own, which serve every device and type.
    case aten

    fileprivate var code: ct_kernels { self == .cpu ? CT_KERNELS_CPU : CT_KERNELS_ATEN }

    fileprivate init(_ code: ct_kernels) { self = code == CT_KERNELS_CPU ? .cpu : .aten }

    /// The kernels of this thread: those that `MPO_KERNELS` names, `cpu` where it is not set, unless ``withKernels(_:_:)`` says
    /// otherwise.
    package static var current: KernelSet { KernelSet(ct_get_kernels()) }
}

/// Runs `body` by other kernels on this thread. A backward pass, a packed weight and a cache stay with the kernels that made
/// them.
package func withKernels<Result, Failure>(
    _ kernels: KernelSet, _ body: () throws(Failure) -> Result
) throws(Failure) -> Result {
    let before = ct_set_kernels(kernels.code)
    defer { ct_set_kernels(before) }
    return try body()
}

/// `MPO_KERNELS` names kernels that do not exist.
public struct UnknownKernels: Error, CustomStringConvertible {
    /// What it names.
    public let name: String

    /// The mistake and what can be named instead, in one line.
    public var description: String {
        let known = KernelSet.allCases.map(\.rawValue).joined(separator: " or ")
        return "MPO_KERNELS is '\(name)', but kernels are \(known)"
    }

    /// - Throws: where there are no kernels of the name that this process was given.
    static func check() throws(UnknownKernels) {
        guard !ct_kernels_are_known() else { return }
        throw UnknownKernels(name: ProcessInfo.processInfo.environment["MPO_KERNELS"] ?? "")
    }
}

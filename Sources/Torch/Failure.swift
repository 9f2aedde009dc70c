import CTorch
import Foundation

/// Runs an operator of the shim that gives a tensor.
func tensor(
    _ operation: StaticString, _ operands: Tensor?...,
    body: (UnsafeMutablePointer<OpaquePointer?>) -> ct_status
) -> Tensor {
    var handle: OpaquePointer?
    guard body(&handle) == 0, let handle else { fail(operation, operands) }
    return Tensor(owning: handle)
}

/// Runs an operator of the shim that gives nothing.
func perform(_ operation: StaticString, _ operands: Tensor?..., body: () -> ct_status) {
    if body() != 0 { fail(operation, operands) }
}

/// Prints who failed at what, and ends the process.
func fail(_ operation: StaticString, _ operands: [Tensor?]) -> Never {
    let rank = ProcessInfo.processInfo.environment["OMPI_COMM_WORLD_RANK"].map { "rank \($0): " } ?? ""
    let shapes = operands.compactMap { $0.map { "\($0.shape) \($0.type)" } }.joined(separator: ", ")
    let cause = String(cString: ct_last_error())
    // Not by a FileHandle, which would put a failure of its own before this one where nobody listens.
    let line = Array("mpo: \(rank)operator \(operation) failed on \(shapes): \(cause)\n".utf8)
    _ = write(STDERR_FILENO, line, line.count)
    abort()
}

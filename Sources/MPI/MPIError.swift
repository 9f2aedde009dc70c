import COpenMPI

/// What goes wrong between ranks.
public enum MPIError: Error, Sendable, CustomStringConvertible {
    /// An MPI call returned an error code; `message` is MPI's own text.
    case failed(operation: String, communicator: String, code: Int, message: String)
    /// Ranks entered different collective calls (found only when `MPO_MPI_CHECK=1`).
    case mismatchedCollectives(communicator: String, calls: String)
    /// A message did not have the size that its receiver asked for.
    case wrongSize(source: Int, tag: Int, expected: Int, received: Int)
    /// A receive that nobody could ever answer: only this rank could send it, and it did not.
    case nothingToReceive(communicator: String)
    /// The processes were not started as one job.
    case launch(String)

    /// One line for the user.
    public var description: String {
        switch self {
        case .failed(let operation, let communicator, let code, let message):
            "MPI \(operation) on '\(communicator)' failed: \(message) (code \(code))"
        case .mismatchedCollectives(let communicator, let calls):
            "ranks of '\(communicator)' entered different collective calls: \(calls)"
        case .wrongSize(let source, let tag, let expected, let received):
            "message \(tag) from rank \(source) has \(received) bytes where \(expected) were expected"
        case .nothingToReceive(let communicator):
            "receive on '\(communicator)' would never return: nobody but this rank could answer, and it sent itself nothing"
        case .launch(let cause):
            cause
        }
    }
}

/// Throws where an MPI call did not return `MPI_SUCCESS`.
func check(_ code: Int32, _ operation: String, on communicator: String) throws {
    guard code != mpo_success() else { return }
    var text = [CChar](repeating: 0, count: Int(MPI_MAX_ERROR_STRING))
    var length: Int32 = 0
    MPI_Error_string(code, &text, &length)
    let message = String(decoding: text.prefix(Int(length)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    throw MPIError.failed(operation: operation, communicator: communicator, code: Int(code), message: message)
}

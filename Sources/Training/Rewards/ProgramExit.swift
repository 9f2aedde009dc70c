import Foundation
import Runs

/// How a program came to its end.
package enum ProgramExit: Sendable, Equatable {
    /// It ended itself.
    case status(Int32)
    /// A signal ended it that we did not send.
    case signal(Int32)
    /// It still ran, and was ended for this.
    case forced
    /// Someone else collected its status.
    case unknown

    /// From what `waitpid` tells.
    package init(waitStatus: Int32) {
        let signal = waitStatus & 0x7f
        self = signal == 0 ? .status((waitStatus >> 8) & 0xff) : .signal(signal)
    }

    /// What follows the program's name in a message.
    package var description: String {
        switch self {
        case .status(let status): "ended with status \(status)"
        case .signal(let signal):
            "was ended by signal \(signal) (\(strsignal(signal).map { String(cString: $0) } ?? "?"))"
        case .forced: "closed its input or output"
        case .unknown: "ended"
        }
    }
}

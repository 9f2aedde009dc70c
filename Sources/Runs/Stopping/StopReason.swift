import Foundation

/// Why a run stops before it is done.
package enum StopReason: Sendable, Codable, Equatable, CustomStringConvertible {
    case signal(Int32)
    case timeLimit

    /// A positive number for ranks to compare.
    package var code: Int64 {
        switch self {
        case .signal(let number): Int64(number)
        case .timeLimit: Self.timeLimitCode
        }
    }

    /// The reason of that code; `nil` for 0.
    package init?(code: Int64) {
        switch code {
        case 0: return nil
        case Self.timeLimitCode: self = .timeLimit
        default: self = .signal(Int32(truncatingIfNeeded: code))
        }
    }

    /// `by SIGUSR1`, `for its time limit`.
    package var description: String {
        switch self {
        case .signal(SIGUSR1): "by SIGUSR1"
        case .signal(SIGTERM): "by SIGTERM"
        case .signal(SIGINT): "by SIGINT"
        case .signal(let number): "by signal \(number)"
        case .timeLimit: "for its time limit"
        }
    }

    /// No signal has this number.
    private static let timeLimitCode: Int64 = 1000
}

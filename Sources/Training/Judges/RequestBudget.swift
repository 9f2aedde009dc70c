import Foundation
import Synchronization

/// How many requests a judge may be sent, and how fast; all threads of a process ask it.
package final class RequestBudget: Sendable {
    private struct State {
        var left: Int?
        /// When the next may be sent, in seconds of `ProcessInfo.systemUptime`.
        var next = 0.0
    }

    private let interval: Double
    private let state: Mutex<State>

    /// - Parameters:
    ///   - requests: How many are left; `nil` for no bound.
    ///   - perMinute: Most a minute; `nil` for no bound.
    package init(requests: Int?, perMinute: Double?) {
        interval = perMinute.map { 60 / $0 } ?? 0
        state = Mutex(State(left: requests))
    }

    /// This worker's share of a stage's budget.
    ///
    /// - Parameter spent: What earlier starts have used of it, all workers together.
    package convenience init(
        sharing requests: Int?, spent: Int, perMinute: Double?, worker: Int, of workers: Int
    ) {
        let left = requests.map { max(0, $0 - spent) }
        self.init(
            requests: left.map { $0 / workers + (worker < $0 % workers ? 1 : 0) },
            perMinute: perMinute.map { $0 / Double(workers) })
    }

    /// Takes one; the seconds to wait before it is sent, or `nil` where none is left.
    package func take(now: Double = ProcessInfo.processInfo.systemUptime) -> Double? {
        state.withLock { state in
            if let left = state.left {
                guard left > 0 else { return nil }
                state.left = left - 1
            }
            let start = max(now, state.next)
            state.next = start + interval
            return start - now
        }
    }
}

/// How long to wait before a request is sent again.
package struct RetryDelay: Sendable {
    /// The longest that grows by itself.
    private static let most = 30.0
    /// The longest that a server may ask for.
    private static let mostAsked = 600.0

    /// Half a second, doubled with each time, of which chance takes off up to a half, so that many do not come back together;
    /// but at least what the server wants.
    ///
    /// - Parameters:
    ///   - number: How often it was sent again already.
    ///   - luck: From 0 to 1.
    package static func seconds(
        _ number: Int, retryAfter: Double? = nil, luck: Double = .random(in: 0..<1)
    ) -> Double {
        let grown = min(most, 0.5 * Double(1 << min(number, 10)))
        return max(grown * (1 - luck / 2), min(mostAsked, retryAfter ?? 0))
    }
}

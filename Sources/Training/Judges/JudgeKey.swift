import Foundation

/// The secret that a server knows its users by. It stands in the environment and in requests, and nowhere else.
package struct JudgeKey: Sendable {
    private let secret: String?

    /// - Parameter environment: Its `MPO_JUDGE_API_KEY`, else `OPENAI_API_KEY`; a server of one's own mostly wants none.
    package init(_ environment: [String: String] = ProcessInfo.processInfo.environment) {
        secret = ["MPO_JUDGE_API_KEY", "OPENAI_API_KEY"].lazy.compactMap { environment[$0] }
            .map { $0.trimmingCharacters(in: .whitespacesAndNewlines) }.first { !$0.isEmpty }
    }

    /// The headers that carry it.
    var headers: [String] { secret.map { ["Authorization: Bearer \($0)"] } ?? [] }

    /// A text without it.
    func masked(in text: String) -> String { secret.map { text.replacing($0, with: "***") } ?? text }
}

extension JudgeKey: CustomStringConvertible, CustomReflectable {
    package var description: String { secret == nil ? "no key" : "***" }
    package var customMirror: Mirror { Mirror(self, children: []) }
}

/// A mistake in a configuration: where it is, what is wrong and the way out, in one line.
package struct ConfigurationError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The file and line, or the command-line override, that the value came from.
    package var origin: ConfigurationOrigin
    /// The dotted key, such as `ppo.kl_coef`; `nil` where the mistake is not about one key.
    package var key: String?
    /// What is wrong.
    package var problem: String
    /// What to do about it.
    package var remedy: String

    /// A mistake at a place.
    package init(_ origin: ConfigurationOrigin, key: String?, problem: String, remedy: String) {
        self.origin = origin
        self.key = key
        self.problem = problem
        self.remedy = remedy
    }

    /// `FILE:LINE: KEY: problem; remedy`.
    package var description: String {
        let parts = [origin.description, key ?? "", "\(problem); \(remedy)"]
        return parts.filter { !$0.isEmpty }.joined(separator: ": ").split(whereSeparator: \.isNewline)
            .joined(separator: " ")
    }
}

/// Where a value of a configuration was written.
package enum ConfigurationOrigin: Sendable, Hashable, CustomStringConvertible {
    /// A line of a file, counted from one; `nil` stands for the file as a whole.
    case file(String, line: Int?)
    /// A `--set key=value` of the command line.
    case override(String)
    /// Nowhere: a default.
    case none

    /// The place as the user would type it.
    package var description: String {
        switch self {
        case .file(let name, let line): line.map { "\(name):\($0)" } ?? name
        case .override(let text): "--set \(text)"
        case .none: ""
        }
    }
}

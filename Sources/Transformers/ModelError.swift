import Foundation

/// What is wrong with a model's directory or one of its files, in one line that names it.
public struct ModelError: Error, CustomStringConvertible, Sendable {
    /// The file or directory.
    public let url: URL
    /// What is wrong with it.
    public let reason: String

    init(_ url: URL, _ reason: String) {
        self.url = url
        self.reason = reason
    }

    /// `file: reason`, in one line.
    public var description: String {
        "\(url.path): \(reason)".split(whereSeparator: \.isNewline).joined(separator: " ")
    }
}

/// A file of metrics that could not be written or resumed.
public struct MetricsError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The file.
    public var path: String
    /// What went wrong.
    public var problem: String
    /// What to do about it.
    public var remedy: String

    /// `FILE: problem; remedy`.
    public var description: String { "\(path): \(problem); \(remedy)" }
}

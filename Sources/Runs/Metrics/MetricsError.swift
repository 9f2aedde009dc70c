/// A file of metrics that could not be written or resumed.
package struct MetricsError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The file.
    package var path: String
    /// What went wrong.
    package var problem: String
    /// What to do about it.
    package var remedy: String

    /// `FILE: problem; remedy`.
    package var description: String { "\(path): \(problem); \(remedy)" }
}

import MPI

/// What is wrong with a study as it was asked for, or with what its runs have left.
package struct StudyError: Error, Sendable, Equatable, CustomStringConvertible, ExitStatusProviding {
    /// An option, a key or a file.
    package var place: String
    package var problem: String
    package var remedy: String

    package init(_ place: String, _ problem: String, _ remedy: String) {
        (self.place, self.problem, self.remedy) = (place, problem, remedy)
    }

    /// `PLACE: problem; remedy`.
    package var description: String { "\(place): \(problem); \(remedy)" }

    package var exitStatus: Int32 { 2 }
}

import MPI
import Runs

/// A number that a model gave and that nothing can be computed with.
package struct ModelOutputError: Error, Sendable, Equatable, CustomStringConvertible, ExitStatusProviding {
    /// The model and what it gave a number for: `reward ./rm: the score of pair 3`.
    package let subject: String
    /// The number.
    package let value: Double
    /// What is wrong with it, such as "is not finite".
    package let fault: String

    package init(_ subject: String, _ value: Double, fault: String = "is not finite") {
        (self.subject, self.value, self.fault) = (subject, value, fault)
    }

    /// One line: what is wrong, and what to look at.
    package var description: String {
        "\(subject), \(value), \(fault); check that model: its weights may be damaged, or come from a training that diverged"
    }

    /// 1: it shows on the way.
    package var exitStatus: Int32 { 1 }
}

import Foundation
import MPI

/// Why there is no report.
package enum ReportError: Error, Sendable, Equatable, CustomStringConvertible, ExitStatusProviding {
    /// What was named is neither a run nor a study.
    case notARun(String)
    /// A file or directory cannot be read.
    case unreadable(path: String, reason: String)
    /// A run was named twice.
    case twice(String)
    /// The report cannot be written.
    case unwritable(path: String, problem: String)

    static func unreadable(_ file: URL, _ code: Int32) -> ReportError {
        .unreadable(path: file.relativePath, reason: String(cString: strerror(code)))
    }

    /// One line: what is wrong, and a way out.
    package var description: String {
        switch self {
        case .notARun(let path):
            "\(path): is no run directory (neither run.json nor metrics.jsonl) and no study's (no seed-1 or the like with "
                + "them); name the output_dir of a run, or what launch/study has written into"
        case .unreadable(let path, let reason): "\(path): cannot be read: \(reason); check the path and its permissions"
        case .twice(let path): "\(path): is named twice; leave one out"
        case .unwritable(let path, let problem):
            // Some problems bring their own way out.
            "\(path): \(problem)"
                + (problem.contains(";") ? "" : "; name another file by --output, or - for standard output")
        }
    }

    package var exitStatus: Int32 { 2 }
}

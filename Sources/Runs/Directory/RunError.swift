import MPI

/// What can be wrong with a run as its user started it.
package enum RunError: Error, Sendable, CustomStringConvertible, ExitStatusProviding {
    /// The run directory holds a run, and resuming was not asked for.
    case exists(directory: String)
    /// The run directory holds no run, but a file that a run would write over.
    case strangersFile(String, directory: String)
    /// Resuming was asked for, and there is nothing to resume.
    case nothingToResume(directory: String)
    /// The run directory cannot be made or written into.
    case unusableDirectory(String, reason: String)
    /// `run.json` is damaged.
    case unreadableState(String)
    /// A file cannot be written.
    case cannotWrite(String, reason: String)
    /// A loss, gradient or weight is not a finite number, as several ranks find together; the first of them is `teller`.
    ///
    /// `canSkip` says whether the run would go on with `on_non_finite: skip`.
    case notFinite(stage: String, step: Int, what: String, teller: Int, canSkip: Bool = false)
    /// What was drawn is not what the learners' model would draw, as they find together; the first of them is `teller`.
    case samplersDiffer(stage: String, step: Int, difference: Double, bound: Double, teller: Int)
    /// Something else a user can mend, said in one line.
    case other(String)

    /// One line: what is wrong, and a way out.
    package var description: String {
        switch self {
        case .exists(let directory):
            "\(directory): a run is there already; go on with --resume, or choose another output_dir"
        case .strangersFile(let path, let directory):
            "\(path): is there already, and \(directory) holds no run (no run.json) that it could be of; choose another "
                + "output_dir, or move it away"
        case .nothingToResume(let directory): "\(directory): no run to resume; start it without --resume"
        case .unusableDirectory(let path, let reason):
            "\(path): cannot be written: \(reason); choose another output_dir, or check its permissions"
        case .unreadableState(let path): "\(path): damaged; restore it, or choose another output_dir"
        case .cannotWrite(let path, let reason): "\(path): cannot be written: \(reason)"
        case .notFinite(let stage, let step, let what, _, let canSkip):
            "\(stage): step \(step): \(what) is not finite; look at the data"
                + (canSkip ? ", go on with on_non_finite: skip (--resume --allow-config-change)" : "")
                + ", or begin anew with a lower learning_rate or max_grad_norm"
        case .samplersDiffer(let stage, let step, let difference, let bound, _):
            "\(stage): step \(step): log-probabilities of the tokens that were drawn are \(HumanFormat.metric(difference)) from the "
                + "learner's on average, above max_sampling_logp_difference \(HumanFormat.metric(bound)); lower learning_rate "
                + "or max_staleness, write dtype: float32, or go on with a higher bound (--resume --allow-config-change)"
        case .other(let text): text
        }
    }

    /// 2 for what the configuration or start is to blame for, 1 for what went wrong on the way.
    package var exitStatus: Int32 {
        switch self {
        case .cannotWrite, .notFinite, .samplersDiffer: 1
        default: 2
        }
    }

    /// Rank zero for what the configuration or start is to blame for.
    package var teller: Int? {
        switch self {
        case .notFinite(_, _, _, let teller, _), .samplersDiffer(_, _, _, _, let teller): teller
        case .cannotWrite: nil
        default: 0
        }
    }
}

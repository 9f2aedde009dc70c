import MPI

/// Why a run does not go on from where it was left, or its ranks do not fit together.
package enum StartError: Error, Equatable, CustomStringConvertible, ExitStatusProviding {
    /// What was changed enters stages that have begun.
    ///
    /// `stage` is the directory of the one stage that they enter, where it is in progress and others are not.
    case changed(directory: String, changes: [String], stage: String? = nil)
    /// What was changed is safe, but has to be asked for.
    case needsConfigChange(directory: String, changes: [String])
    /// The run would be rounded differently.
    case needsInexact(directory: String, changes: [String])
    /// Another job was at work in the directory while this one started.
    case overtaken(directory: String)
    /// A rank sees something else than rank zero does.
    case rankDiffers(rank: Int, host: String, what: String)

    package var description: String {
        // A changed value may hold a line break.
        text.split(whereSeparator: \.isNewline).joined(separator: " ")
    }

    private var text: String {
        switch self {
        case .changed(let directory, let changes, let stage):
            "\(directory): the run has begun with something else: \(Self.list(changes)); change it back, "
                + (stage.map { "delete \($0) to begin that stage anew, " } ?? "") + "or choose another "
                + "output_dir (--allow-config-change is for what no stage that has begun depends on)"
        case .needsConfigChange(let directory, let changes):
            "\(directory): changed since the run began: \(Self.list(changes)); change it back, or go on with it by "
                + "--allow-config-change: no stage that has begun depends on it"
        case .needsInexact(let directory, let changes):
            "\(directory): the run would not end in the same bytes: \(Self.list(changes)); start it as before, or give "
                + "--allow-inexact: data order and random streams stay, the rounding of sums does not"
        case .overtaken(let directory): "\(directory): another job has just been at work here; start again"
        case .rankDiffers(let rank, let host, let what): "rank \(rank) on \(host) \(what)"
        }
    }

    package var exitStatus: Int32 { 2 }

    /// The first few.
    private static func list(_ changes: [String]) -> String {
        let shown = changes.prefix(3).joined(separator: "; ")
        return changes.count > 3 ? "\(shown); and \(changes.count - 3) more" : shown
    }
}

import MPI

/// The processes of a job, and which of them do what.
///
/// Rank zero orchestrates and the others work; a process alone does both. Worker `i` is rank `i + 1`, or rank zero where
/// it is alone.
package final class Cluster {
    /// Every rank: orders and reports travel here.
    package let control: Communicator
    /// Every worker: what offline stages reduce over. `nil` on an orchestrator that has workers.
    package let workers: Communicator?

    /// Divides the ranks of `world` into roles; all of them call this together.
    package init(world: Communicator) throws {
        control = try world.duplicate(name: "control")
        let works = control.size == 1 || control.rank > 0
        workers = try control.split(color: works ? 0 : nil, key: control.rank, name: "workers")
    }

    /// Whether one process does everything.
    package var isAlone: Bool { control.size == 1 }

    /// Whether this process sequences the stages.
    package var isOrchestrator: Bool { control.rank == 0 }

    /// How many processes work.
    package var workerCount: Int { max(1, control.size - 1) }

    /// The rank that worker `index` has in ``control``.
    package func rank(ofWorker index: Int) -> Int { isAlone ? 0 : index + 1 }

    /// The worker that `rank` of ``control`` is.
    package func worker(atRank rank: Int) -> Int { isAlone ? 0 : rank - 1 }
}

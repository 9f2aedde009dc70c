import COpenMPI
import Foundation

/// MPI between its start and its end: the one way to `world`.
///
/// A process that no launcher started is a world of one rank and never touches MPI, so that it needs no daemon, no
/// network interface and no shared-memory file; its communicators behave as MPI's would. A process has one runtime.
/// All MPI calls must come from one thread at a time (`MPI_THREAD_SERIALIZED`).
public final class MPIRuntime {
    /// All ranks of the job.
    public let world: Communicator
    /// What was known before MPI started.
    public let environment: LaunchEnvironment
    private var isActive: Bool

    /// Starts MPI, where there is a launcher to start it with.
    ///
    /// - Throws: `MPIError.launch` where the launcher announced more ranks than MPI found, as when `srun` lacks PMIx.
    public init(environment: LaunchEnvironment = LaunchEnvironment()) throws {
        self.environment = environment
        guard environment.isLaunchedByMPIRun else {
            try Self.checkSize(1, environment)
            isActive = false
            world = Communicator(loneNamed: "world", isChecked: false)
            return
        }
        var provided: Int32 = 0
        try check(MPI_Init_thread(nil, nil, mpo_thread_serialized(), &provided), "initialisation", on: "world")
        guard provided >= mpo_thread_serialized() else {
            throw MPIError.launch("this MPI library was built without thread support; Open MPI 4.1 or later has it")
        }
        isActive = true
        world = try Communicator(adoptingWorld: mpo_comm_world())
        try Self.checkSize(world.size, environment)
        // Ranks on other hosts may not see this rank's environment, and all must agree on whether they check.
        let asked: Int32 = ProcessInfo.processInfo.environment["MPO_MPI_CHECK"] == "1" ? 1 : 0
        world.isChecked = try world.allReduce(asked, .max) == 1
    }

    /// Ends MPI after every rank has come here. Communicators must not be used after it.
    public func finalize() throws {
        guard isActive else { return }
        try world.quietBarrier()
        isActive = false
        try check(MPI_Finalize(), "finalisation", on: "world")
    }

    /// Ends all ranks of the job at once; the job's launcher then exits with `status`.
    public func abort(status: Int32) -> Never {
        if isActive {
            MPI_Abort(mpo_comm_world(), status)
        }
        // Other threads may be at work on what the handlers of exit would take from them.
        fflush(nil)
        _exit(status)
    }

    private static func checkSize(_ size: Int, _ environment: LaunchEnvironment) throws {
        if let announced = environment.announcedSize {
            guard announced == size else {
                throw MPIError.launch(
                    "the launcher announced \(announced) ranks but MPI found \(size); start it with the mpirun of the "
                        + "Open MPI it was built with")
            }
        } else if let tasks = environment.slurmTasks, tasks > 1, size == 1 {
            throw MPIError.launch(
                "srun started \(tasks) tasks that do not know of each other; use 'srun --mpi=pmix' or mpirun")
        }
    }
}

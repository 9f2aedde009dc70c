import COpenMPI
import Foundation

/// What a process can know of its job and machine before MPI or any thread pool is started.
///
/// Read it first: thread pools narrow the affinity mask, and threads and devices are chosen before MPI is.
public struct LaunchEnvironment: Sendable, Equatable {
    /// Ranks of the job as its launcher announces them; `nil` for a process that no MPI launcher started.
    public var announcedSize: Int?
    /// This process's rank as its launcher announces it.
    public var announcedRank: Int?
    /// This process's place among the job's ranks on the same node.
    public var localRank: Int?
    /// The job's ranks on this node.
    public var localSize: Int?
    /// Whether a launcher that speaks PMIx or PMI (`mpirun`, `srun --mpi=pmix`) started this process.
    public var isLaunchedByMPIRun: Bool
    /// Tasks of the surrounding Slurm step; more than one without a PMIx launcher is a job that fell apart.
    public var slurmTasks: Int?

    /// Reads the variables that Open MPI, PMIx and Slurm set.
    public init(_ environment: [String: String] = ProcessInfo.processInfo.environment) {
        func number(_ names: String...) -> Int? {
            names.lazy.compactMap { environment[$0].flatMap(Int.init) }.first
        }
        announcedSize = number("OMPI_COMM_WORLD_SIZE", "PMI_SIZE")
        announcedRank = number("OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK")
        localRank = number("OMPI_COMM_WORLD_LOCAL_RANK", "MPI_LOCALRANKID", "SLURM_LOCALID")
        localSize = number("OMPI_COMM_WORLD_LOCAL_SIZE", "MPI_LOCALNRANKS")
        slurmTasks = number("SLURM_STEP_NUM_TASKS")
        isLaunchedByMPIRun =
            environment["OMPI_COMM_WORLD_SIZE"] != nil || environment["PMIX_RANK"] != nil
            || environment["PMI_RANK"] != nil
    }

    /// The name of this machine.
    public static var hostName: String {
        var name = [CChar](repeating: 0, count: 256)
        guard gethostname(&name, name.count - 1) == 0 else { return "unknown-host" }
        return String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// The number of cores this process may run on: its affinity mask, not the machine.
    public static var availableCores: Int {
        // The kernel refuses a mask shorter than its own, so this one has room for 64 thousand cores.
        var mask = [UInt8](repeating: 0, count: 8192)
        let count = mpo_affinity_mask(&mask, mask.count)
        if count > 0 { return max(1, mask.reduce(0) { $0 + $1.nonzeroBitCount }) }
        return ProcessInfo.processInfo.activeProcessorCount
    }
}

import Foundation
import MPI

/// How many threads a rank computes on: its share of its node's cores.
///
/// The orchestrator's rank does not count: it computes nothing and sleeps while it waits.
package struct ThreadShare {
    /// Threads of this rank.
    package let count: Int
    /// What is odd about where the rank may run; `nil` if nothing is.
    package let warning: String?

    package init(_ configuration: RunConfiguration, cluster: Cluster, environment: LaunchEnvironment) throws {
        let node = try cluster.control.splitShared()
        let workersHere = max(1, try node.allReduce(Int64(cluster.workers == nil ? 0 : 1), .sum))
        let cores = LaunchEnvironment.availableCores
        let nodeCores = ProcessInfo.processInfo.processorCount
        let share = max(1, nodeCores / Int(workersHere))
        let asked =
            configuration.threadsPerRank ?? ProcessInfo.processInfo.environment["OMP_NUM_THREADS"].flatMap { Int($0) }
        count = max(1, asked ?? min(share, cores))
        warning =
            cores < min(share, count)
            ? "this rank may use \(cores) of the node's \(nodeCores) cores, less than its share of \(share); start with "
                + "launch/run, or give mpirun --bind-to none" : nil
    }
}

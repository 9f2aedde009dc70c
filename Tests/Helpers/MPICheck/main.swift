import Foundation
import MPI

// Started by the distributed tests, under mpirun or alone: runs the scenario named by the first argument, prints what
// the test compares on rank zero, and throws on the rank that finds something wrong.

runJob(named: "mpi-check") { runtime in
    let name = CommandLine.arguments.dropFirst().first ?? ""
    guard let scenario = scenarios[name] else {
        throw Failure("no scenario is called '\(name)'", status: 2)
    }
    return try scenario(runtime)
}

import Foundation
import MPI
import TestSupport
import Testing

@Suite("A process that no launcher started")
struct LoneProcessTests {
    @Test(
        "It is a world of one rank that answers every call",
        arguments: ["size", "allReduce", "extremes", "broadcast", "gather", "split", "exchange", "alone"])
    func worldOfOne(scenario: String) throws {
        let result = try Job(TestSupport.product("mpi-check"), [scenario]).run()
        #expect(result.status == 0, "\(result.output)\(result.errors)")
        if scenario == "size" { #expect(result.output == "size 1\n") }
    }

    @Test("It tells an error without naming a rank")
    func error() throws {
        let result = try Job(TestSupport.product("mpi-check"), ["throw"]).run()
        #expect(result.status == 3)
        #expect(result.errors == "mpi-check: the disk is full\n")
    }

    @Test("Tasks that srun started without PMIx are refused with the way out")
    func slurmSingletons() throws {
        let job = Job(TestSupport.product("mpi-check"), ["size"], environment: ["SLURM_STEP_NUM_TASKS": "4"])
        let result = try job.run()
        #expect(result.status == 1)
        #expect(result.errors.contains("srun started 4 tasks that do not know of each other; use 'srun --mpi=pmix'"))
    }
}

@Suite("What a process knows before MPI starts")
struct LaunchEnvironmentTests {
    @Test("Open MPI's variables are read")
    func openMPI() {
        let environment = LaunchEnvironment([
            "OMPI_COMM_WORLD_SIZE": "8", "OMPI_COMM_WORLD_RANK": "5", "OMPI_COMM_WORLD_LOCAL_RANK": "1",
            "OMPI_COMM_WORLD_LOCAL_SIZE": "4",
        ])
        #expect(environment.isLaunchedByMPIRun)
        #expect((environment.announcedSize, environment.announcedRank) == (8, 5))
        #expect((environment.localRank, environment.localSize) == (1, 4))
    }

    @Test("A task of srun with PMIx is part of a job, one of plain srun is not")
    func slurm() {
        #expect(LaunchEnvironment(["PMIX_RANK": "3", "SLURM_STEP_NUM_TASKS": "4"]).isLaunchedByMPIRun)
        #expect(!LaunchEnvironment(["SLURM_STEP_NUM_TASKS": "4", "SLURM_PROCID": "3"]).isLaunchedByMPIRun)
        #expect(!LaunchEnvironment([:]).isLaunchedByMPIRun)
    }

    @Test("The host has the name that uname gives it")
    func hostName() throws {
        let name = try Job(URL(filePath: "/bin/uname"), ["-n"]).run().output
        #expect(name == "\(LaunchEnvironment.hostName)\n")
    }

    @Test("The cores are those of the affinity mask")
    func cores() throws {
        let cores = try Job(URL(filePath: "/usr/bin/nproc"), environment: ["OMP_NUM_THREADS": ""]).run().output
        #expect(cores == "\(LaunchEnvironment.availableCores)\n")
    }
}

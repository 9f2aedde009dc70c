import Foundation
import TestSupport
import Testing

/// The batch script under a real Slurm on virtual hosts.
@Suite(.serialized, .enabled(if: VirtualHosts.haveSlurm, "Slurm on virtual hosts needs root, slurm-wlm and munge"))
struct SlurmTests {
    /// A cluster of two nodes that see a directory in common.
    private struct Cluster {
        let name = "slurm-\(UUID().uuidString.prefix(8))"
        let directory: URL

        static func with(_ body: (Cluster) throws -> Void) throws {
            try TestSupport.withTemporaryDirectory { directory in
                let cluster = Cluster(directory: directory)
                try cluster.run("up", "2", "--shared", directory.path)
                defer { _ = try? cluster.run("down") }
                try body(cluster)
            }
        }

        @discardableResult
        func run(_ words: String..., environment: [String: String?] = [:]) throws -> String {
            let script = Script(
                name: "virtual/slurm", folder: "cluster", directory: TestSupport.repository, environment: environment)
            let outcome = try script.start(["--name", name] + words).finish()
            guard outcome.status == 0 else { throw FailedCommand(error: outcome.error) }
            return outcome.output
        }

        /// Submits the batch script for a learner and a rollout worker; returns the job's number.
        func submit(environment: [String: String?]) throws -> String {
            let config = try write(
                "output_dir: out\nmodel_name_or_path: model\ndataset: {train: pairs.jsonl}\nstages: [sft]\n",
                "run.yaml", in: directory)
            let answer = try run(
                "on", "sbatch", "--ntasks=3", "--nodes=2", "--cpus-per-task=1", "--time=10",
                "--output=\(directory.path)/log", "cluster/slurm/mpo.sbatch", "1", "1", config, environment: environment
            )
            return String(try #require(answer.split(whereSeparator: \.isWhitespace).last))
        }

        /// The job's output, once it contains a text or 60 seconds have passed.
        func log(containing text: String) throws -> String {
            var log = ""
            for _ in 0..<300 where !log.contains(text) {
                Thread.sleep(forTimeInterval: 0.2)
                log = (try? String(contentsOf: directory.appending(path: "log"), encoding: .utf8)) ?? ""
            }
            return log
        }
    }

    @Test("A job that gets SIGUSR1 saves, goes back into the queue, and resumes")
    func requeue() throws {
        try Cluster.with { cluster in
            let program = """
                #!/bin/bash
                run=${0%/*}/out
                if [[ " $* " == *" --print-config "* ]]; then
                    printf 'output_dir: %s\\nstall_timeout_seconds: 20\\n' "$run"
                    exit
                fi
                trap 'exit 75' USR1
                ((OMPI_COMM_WORLD_RANK > 0)) || echo "mpo: $OMPI_COMM_WORLD_SIZE ranks with ${*:3}" >&2
                [[ " $* " != *" --resume "* ]] || exit 0
                mkdir -p "$run" && touch "$run/run.json"
                for i in {1..600}; do sleep 0.1; done

                """
            let binary = try write(program, "mpo", in: cluster.directory, isExecutable: true)
            let job = try cluster.submit(environment: ["MPO_BINARY": binary])
            let first = try cluster.log(containing: "mpo: 3 ranks")
            #expect(first.contains("with --set placement=split --set learners=1 --stop-before 5"))
            try cluster.run("on", "scancel", "--batch", "--signal=USR1", job)
            #expect(try cluster.log(containing: "back into the queue").contains("mpo.sbatch: saved and stopped"))
            for _ in 0..<50
            where try !cluster.run("on", "squeue", "--noheader", "--format=%T", "--jobs", job).contains("PENDING") {
                Thread.sleep(forTimeInterval: 0.2)
            }
            try cluster.run("on", "scontrol", "update", "jobid=\(job)", "starttime=now")
            let log = try cluster.log(containing: "--resume")
            #expect(log.contains("with --set placement=split --set learners=1 --resume --stop-before"))
        }
    }

    @Test("Tasks that srun starts without PMIx are refused, for they would be so many lone processes")
    func loneTasks() throws {
        try Cluster.with { cluster in
            let environment = [
                "MPO_STARTER": "srun", "MPO_SRUN_MPI": "none", "MPO_BINARY": TestSupport.product("mpo").path,
            ]
            _ = try cluster.submit(environment: environment)
            let log = try cluster.log(containing: "do not know of each other")
            #expect(
                log.contains("srun started 3 tasks that do not know of each other; use 'srun --mpi=pmix' or mpirun"))
        }
    }
}

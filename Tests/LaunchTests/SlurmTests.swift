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
        func submit(more: String = "", environment: [String: String?]) throws -> String {
            let config = try write(
                """
                output_dir: \(directory.path)/out
                model_name_or_path: \(directory.path)/model
                dataset: {train: \(directory.path)/pairs.jsonl, max_length: 64, max_prompt_length: 40}
                stages: [sft]
                \(more)

                """, "run.yaml", in: directory)
            let answer = try run(
                "on", "sbatch", "--ntasks=3", "--nodes=2", "--cpus-per-task=1", "--time=10",
                "--output=\(directory.path)/log", "cluster/slurm/mpo.sbatch", "1", "1", config, environment: environment
            )
            return String(try #require(answer.split(whereSeparator: \.isWhitespace).last))
        }

        /// Waits for a job to have a state, at most 60 seconds.
        func waitFor(_ job: String, _ state: String) throws {
            var states = ""
            for _ in 0..<300 where !states.contains(state) {
                Thread.sleep(forTimeInterval: 0.2)
                states = try run("on", "squeue", "--noheader", "--states=all", "--format=%T", "--jobs", job)
            }
            #expect(states.contains(state), "\(states)")
        }

        /// Has a job start that went back into the queue: at once, but for what the last start still holds on the nodes.
        func begin(_ job: String) throws {
            try waitFor(job, "PENDING")
            let sockets = "ls /run/mpo-hosts/\(name)/slurm/host*/stepd.slurm.pmix.*"
            let search = Job(URL(filePath: "/bin/sh"), ["-c", sockets])
            for _ in 0..<300 where try search.run().status == 0 { Thread.sleep(forTimeInterval: 0.2) }
            try run("on", "scontrol", "update", "jobid=\(job)", "starttime=now")
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

    @Test(
        "Ranks that srun starts on two hosts save at SIGUSR1, and end after the requeue as if nothing had been",
        .enabled(if: VirtualHosts.haveSlurmWithPMIx, "this Slurm has no PMIx"))
    func realRanks() throws {
        try Cluster.with { cluster in
            try VirtualHosts.copyModel(to: cluster.directory)
            let result = cluster.directory.appending(path: "out/stages/01-sft/final/model.safetensors")
            let environment: [String: String?] = [
                "MPO_STARTER": "srun", "MPO_BINARY": TestSupport.product("mpo").path, "MPO_PROGRESS": "plain",
            ]
            let steps = "sft: {max_steps: 400, train_batch_size: 6, learning_rate: 1.0e-3}"
            let job = try cluster.submit(more: steps, environment: environment)
            #expect(try cluster.log(containing: "[1/1] sft: 400 steps").contains("an orchestrator and 2 workers"))
            try cluster.run("on", "scancel", "--batch", "--signal=USR1", job)
            let saved = try cluster.log(containing: "back into the queue")
            #expect(saved.contains("of 01-sft by SIGUSR1; go on with --resume"), "\(saved)")
            try cluster.begin(job)
            let log = try cluster.log(containing: "400/400 steps")
            #expect(log.contains("[1/1] sft: 400 steps, from "), "\(log)")
            try cluster.waitFor(job, "COMPLETED")

            let stopped = try Data(contentsOf: result)
            try FileManager.default.removeItem(at: cluster.directory.appending(path: "out"))
            try FileManager.default.removeItem(at: cluster.directory.appending(path: "log"))
            try cluster.waitFor(cluster.submit(more: steps, environment: environment), "COMPLETED")
            #expect(try Data(contentsOf: result) == stopped)
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
            try cluster.begin(job)
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

import Foundation
import TestSupport
import Testing

/// Jobs under a real mpirun, with a few lines of shell in the place of `mpo`.
@Suite(.serialized)
struct RunJobTests {
    /// What the stand-in says of its configuration, whose run directory is `run` beside it.
    private static func settings(stallTimeout: Int) -> String {
        """
        #!/bin/bash
        rank=$OMPI_COMM_WORLD_RANK
        run=${0%/*}/run
        if [[ " $* " == *" --print-config "* ]]; then
            printf 'output_dir: "%s"\\nstall_timeout_seconds: \(stallTimeout)\\n' "$run"
            exit
        fi

        """
    }

    private func start(
        _ program: String, in directory: URL, terminalColumns: Int? = nil, config name: String = "config.yaml",
        stallTimeout: Int = 20, _ arguments: String...
    ) throws -> Script.Running {
        let config = try write("", name, in: directory)
        let binary = try write(
            Self.settings(stallTimeout: stallTimeout) + program + "\n", "mpo", in: directory, isExecutable: true)
        let environment: [String: String?] = [
            "MPO_BINARY": binary, "MPO_CORES": "2", "TERM": "xterm", "COLUMNS": nil,
        ]
        let script = Script(name: "run", environment: environment, terminalColumns: terminalColumns)
        return try script.start(["--learners", "1", "--rollouts", "1"] + arguments + [config])
    }

    private func run(_ program: String) throws -> Script.Outcome {
        try TestSupport.withTemporaryDirectory { try start(program, in: $0).finish() }
    }

    @Test("mpo's exit status is passed on, and its own error is the last line", arguments: [1, 2, 75])
    func statuses(status: Int32) throws {
        let outcome = try run(
            """
            ((rank == 0)) || exec sleep 30
            printf 'step 1\\rstep 2\\r' >&2
            echo 'mpo: config.yaml:3: no such key' >&2
            sleep 0.2
            exit \(status)
            """)
        #expect(outcome.status == status)
        let said = "step 1\rstep 2\rmpo: config.yaml:3: no such key\n"
        #expect(TestSupport.hasQuietMPI ? outcome.error == said : outcome.error.hasPrefix(said))
        #expect(outcome.lastLine.hasSuffix("mpo: config.yaml:3: no such key"))
    }

    @Test("A job that ends well says nothing of its own, and its output comes through")
    func success() throws {
        let outcome = try run("((rank > 0)) || echo \"$OMP_NUM_THREADS $1\"")
        #expect(outcome.status == 0)
        #expect(outcome.output == "1 train\n")
        #expect(outcome.error.isEmpty)
    }

    @Test("A job whose ranks are silent for long before their first word has started, whatever its config is called")
    func silentStart() throws {
        try TestSupport.withTemporaryDirectory { directory in
            let outcome = try start(
                "sleep 5", in: directory, config: "run (1) [a]+b.yaml", stallTimeout: 2
            ).finish()
            #expect(outcome.status == 0, "\(outcome.error)")
        }
    }

    @Test("Ranks are told of the terminal and its width, which they cannot see", arguments: [nil, 123])
    func terminal(columns: Int?) throws {
        try TestSupport.withTemporaryDirectory { directory in
            let program = "((rank > 0)) || echo \"progress ${MPO_PROGRESS:-unset} ${COLUMNS:-unset}\""
            let outcome = try start(program, in: directory, terminalColumns: columns).finish()
            #expect(outcome.status == 0)
            #expect(outcome.output.contains(columns.map { "progress bar \($0)" } ?? "progress unset unset"))
        }
    }

    @Test("A command that a rank starts finds the job's own mpo")
    func path() throws {
        try TestSupport.withTemporaryDirectory { directory in
            let outcome = try start("((rank == 1)) && command -v mpo || true", in: directory).finish()
            #expect(outcome.status == 0)
            #expect(outcome.output == directory.appending(path: "mpo").path + "\n")
        }
    }

    @Test(
        "A rank that is killed ends the job, whose last line names rank, host, stage and cause",
        arguments: [
            ("KILL", "killed from outside (SIGKILL), by a person or a scheduler: the kernel's counters show no lack"),
            ("TERM", "ended from outside by SIGTERM"), ("SEGV", "crashed (SIGSEGV)"),
        ])
    func killed(signal: String, cause: String) throws {
        let outcome = try run(
            """
            echo '[2/4] dpo: 100 steps' >&2
            ((rank == 1)) || exec sleep 30
            sleep 0.5; kill -\(signal) $$
            """)
        #expect(outcome.status == 1)
        #expect(
            outcome.lastLine.hasPrefix(
                "launch/run: rank 1 on \(ProcessInfo.processInfo.hostName): stage 02-dpo: \(cause)"))
    }

    @Test("An end without a reason is told as such")
    func silent() throws {
        let outcome = try run("((rank == 1)) || exec sleep 30\necho 'mpo: 3 ranks (a test)' >&2\nexit 3")
        #expect(outcome.status == 1)
        #expect(outcome.lastLine.contains("mpirun ended with status 3"))
    }

    @Test("A mistake that mpo finds in the configuration ends launch/run before any rank is started")
    func mistake() throws {
        try TestSupport.withTemporaryDirectory { directory in
            let binary = try write(
                "#!/bin/sh\necho \"mpo: config.yaml:3: no such key${OMPI_COMM_WORLD_RANK}\" >&2\nexit 2\n", "mpo",
                in: directory, isExecutable: true)
            let config = try write("", "config.yaml", in: directory)
            let outcome = try Script(name: "run", environment: ["MPO_BINARY": binary]).run("-n", "2", config)
            #expect(outcome.status == 2)
            #expect(outcome.error == "mpo: config.yaml:3: no such key\n")
        }
    }

    @Test("An mpirun that outlives its ranks is ended with all it started")
    func hang() throws {
        try TestSupport.withTemporaryDirectory { directory in
            let mpirun = try write(
                "#!/bin/bash\nwhile [[ $1 != */mpo ]]; do shift; done\nrank=0 \"$@\" &\nwait\nsleep 987 & wait\n",
                "mpirun",
                in: directory, isExecutable: true)
            let binary = try write(
                Self.settings(stallTimeout: 20) + "echo 'mpo: 3 ranks (a test)' >&2\nsleep 2\n", "mpo", in: directory,
                isExecutable: true)
            let config = try write("", "config.yaml", in: directory)
            let script = Script(name: "run", environment: ["MPO_BINARY": binary, "MPIRUN": mpirun])
            let outcome = try script.run("-n", "2", config)
            #expect(outcome.status == 1)
            #expect(outcome.lastLine.contains("are gone without a word; mpirun waited for others and was ended"))
            #expect(try Job(URL(filePath: "/usr/bin/pgrep"), ["-f", "sleep 987"]).run().output.isEmpty)
        }
    }

    @Test("SIGTERM, SIGINT and SIGUSR1 reach every rank as SIGUSR1", arguments: [SIGTERM, SIGINT, SIGUSR1])
    func signals(signal: Int32) throws {
        try TestSupport.withTemporaryDirectory { directory in
            let job = try start(
                """
                trap 'echo "rank $rank stops" >&2; sleep 0.2; exit 75' USR1
                echo "rank $rank is up" >&2
                for i in {1..300}; do sleep 0.1; done
                """, in: directory)
            for rank in 0...2 { #expect(try job.waitFor("rank \(rank) is up")) }
            kill(job.identifier, signal)
            let outcome = try job.finish()
            #expect(outcome.status == 75)
            for rank in 0...2 { #expect(outcome.error.contains("rank \(rank) stops")) }
        }
    }

    @Test("A second SIGINT ends a job that does not heed the first")
    func secondInterrupt() throws {
        try TestSupport.withTemporaryDirectory { directory in
            let job = try start(
                "trap 'echo deaf >&2' USR1\necho up >&2\nfor i in {1..300}; do sleep 0.1; done", in: directory)
            #expect(try job.waitFor("up\nup\nup"))
            kill(job.identifier, SIGINT)
            #expect(try job.waitFor("deaf"))
            let start = Date()
            kill(job.identifier, SIGINT)
            let outcome = try job.finish()
            #expect(outcome.status == 128 + SIGINT)
            // Another rank may come to the first signal only now.
            let last = outcome.error.split(separator: "\n").last { $0 != "deaf" }
            #expect(last == "launch/run: ending at once")
            #expect(Date().timeIntervalSince(start) < 10)
        }
    }

    @Test("A killed launch/run takes its job with it")
    func orphan() throws {
        try TestSupport.withTemporaryDirectory { directory in
            let job = try start("echo \"pid $$.\" >&2\nexec sleep 60", in: directory)
            #expect(try job.waitFor("pid"))
            Thread.sleep(forTimeInterval: 1)
            kill(job.identifier, SIGKILL)
            let outcome = try job.finish()
            let ranks = outcome.error.matches(of: /pid (\d+)\./).compactMap { Int32($0.1) }
            #expect(ranks.count == 3)
            for _ in 0..<100 where ranks.contains(where: { kill($0, 0) == 0 }) { Thread.sleep(forTimeInterval: 0.1) }
            for rank in ranks { #expect(kill(rank, 0) != 0) }
        }
    }
}

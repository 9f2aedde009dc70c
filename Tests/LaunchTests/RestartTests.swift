import Foundation
import TestSupport
import Testing

/// `launch/run --max-restarts`, with a few lines of shell in the place of `mpo`.
@Suite(.serialized)
struct RestartTests {
    /// Runs a stand-in that keeps count of its starts in `$starts`, beside a run directory `$run`.
    private func run(_ program: String, _ arguments: String...) throws -> (Script.Outcome, starts: Int) {
        try TestSupport.withTemporaryDirectory { directory in
            let preamble = """
                #!/bin/bash
                rank=$OMPI_COMM_WORLD_RANK
                run=${0%/*}/run
                if [[ " $* " == *" --print-config "* ]]; then
                    printf 'output_dir: %s\\nstall_timeout_seconds: 20\\n' "$run"
                    exit
                fi
                ((rank == 0)) || exec sleep 3
                echo start >>"${0%/*}/starts"
                starts=$(wc -l <"${0%/*}/starts")
                mkdir -p "$run/stages/01-sft"
                echo "mpo: start $starts with ${*:3}" >&2

                """
            let binary = try write(preamble + program + "\n", "mpo", in: directory, isExecutable: true)
            let config = try write("", "config.yaml", in: directory)
            let script = Script(name: "run", environment: ["MPO_BINARY": binary, "MPO_CORES": "2"])
            let outcome = try script.start(["-np", "2"] + arguments + [config]).finish()
            let starts = try String(contentsOf: directory.appending(path: "starts"), encoding: .utf8)
            return (outcome, starts.split(separator: "\n").count)
        }
    }

    /// Leaves a checkpoint and fails, for so many starts.
    private static let progress = """
        touch "$run/run.json"
        mkdir "$run/stages/01-sft/checkpoint-$starts" 2>/dev/null
        ((starts > 2)) || { echo "mpo: rank 0 on here: the disk was asleep" >&2; exit 1; }
        """

    @Test("A run that makes progress is restarted from its checkpoint until it is done")
    func restarts() throws {
        let (outcome, starts) = try run(Self.progress, "--max-restarts", "3")
        #expect(outcome.status == 0)
        #expect(starts == 3)
        #expect(outcome.error.contains("start 1 with \n"))
        #expect(outcome.error.contains("launch/run: restart 1 of 3 in 1 s\nmpo: start 2 with --resume\n"))
        #expect(outcome.error.contains("launch/run: restart 2 of 3 in 2 s\nmpo: start 3 with --resume\n"))
    }

    @Test(
        "The run directory is found under whatever name the configuration gives it",
        arguments: ["say \"hi\" \\ back\\slash $(b) %s * \t\nzw\u{F6}lf", "~/below", "-name f"])
    func names(name: String) throws {
        try TestSupport.withTemporaryDirectory { directory in
            let run = directory.appending(path: name.replacing("~", with: "."))
            let program = """
                #!/bin/bash
                if [[ " $* " == *" --print-config "* ]]; then exec "$REAL" "$@"; fi
                ((OMPI_COMM_WORLD_RANK == 0)) || exec sleep 0.1
                echo "mpo: start with ${*:3}" >&2
                [[ " $* " != *" --resume "* ]] || exit 0
                mkdir -p "$RUN/stages" && touch "$RUN/run.json"
                exit 1

                """
            let binary = try write(program, "mpo", in: directory, isExecutable: true)
            // YAML takes JSON's strings.
            let quoted = String(decoding: try JSONEncoder().encode(name), as: UTF8.self)
            let lines = "output_dir: \(quoted)\nmodel_name_or_path: m\ndataset: {train: a.jsonl, eval: b.jsonl}\n"
            let config = try write(lines, "config.yaml", in: directory)
            let real = TestSupport.product("mpo").path
            let environment: [String: String?] = [
                "MPO_BINARY": binary, "MPO_CORES": "2", "REAL": real, "RUN": run.path, "HOME": directory.path,
            ]
            let script = Script(name: "run", directory: directory, environment: environment)
            let outcome = try script.start(["-np", "2", "--max-restarts", "1", config]).finish()
            #expect(outcome.status == 0, "\(outcome.error)")
            #expect(outcome.error.contains("mpo: start with --resume\n"), "\(outcome.error)")
        }
    }

    @Test("A job whose messages nobody reads any more goes on, and is restarted")
    func noReader() throws {
        try TestSupport.withTemporaryDirectory { directory in
            let program = """
                #!/bin/bash
                [[ " $* " != *" --print-config "* ]] || exit 0
                ((OMPI_COMM_WORLD_RANK == 0)) || exec sleep 0.1
                for i in {1..20}; do echo "mpo: step $i" >&2; sleep 0.05; done
                echo start >>"${0%/*}/starts"
                (($(wc -l <"${0%/*}/starts") > 1)) || exit 1

                """
            let binary = try write(program, "mpo", in: directory, isExecutable: true)
            let config = try write("", "config.yaml", in: directory)
            let line = "'\(TestSupport.repository.path)/launch/run' -np 2 --max-restarts 1 '\(config)' 2> >(head -n 1)"
            let result = try Job(
                URL(filePath: "/bin/bash"), ["-c", line], environment: ["MPO_BINARY": binary, "MPO_CORES": "2"]
            ).run()
            #expect(result.status == 0, "\(result.errors)")
            #expect(try String(contentsOf: directory.appending(path: "starts"), encoding: .utf8) == "start\nstart\n")
        }
    }

    @Test("After as many restarts as were asked for, the failure stands")
    func limit() throws {
        let (outcome, starts) = try run(Self.progress, "--max-restarts", "1")
        #expect(outcome.status == 1)
        #expect(starts == 2)
        #expect(outcome.lastLine == "mpo: rank 0 on here: the disk was asleep")
    }

    @Test("A run that fails twice without a stage or checkpoint between is given up")
    func noProgress() throws {
        let (outcome, starts) = try run(
            "echo 'mpo: rank 0 on here: no luck' >&2; exit 1", "--max-restarts", "9")
        #expect(outcome.status == 1)
        #expect(starts == 2)
        #expect(
            outcome.lastLine
                == "launch/run: giving up: no stage or checkpoint has come since the failure before this one")
    }

    @Test("A run that fails before its directory is there is restarted too")
    func noDirectory() throws {
        let (outcome, starts) = try run(
            "rm -r \"$run\"; echo 'mpo: rank 0 on here: no disk' >&2; exit 1", "--max-restarts", "9")
        #expect(outcome.status == 1)
        #expect(starts == 2)
        #expect(outcome.lastLine.hasPrefix("launch/run: giving up"))
    }

    @Test("A run that was stopped, or has a mistake in it, is not restarted", arguments: [2, 75])
    func noRestart(status: Int32) throws {
        let (outcome, starts) = try run("exit \(status)", "--max-restarts", "9")
        #expect(outcome.status == status)
        #expect(starts == 1)
    }

    @Test("Restarts count into the time that a run was given")
    func stopBefore() throws {
        let (outcome, _) = try run(Self.progress, "--max-restarts", "3", "--stop-before", "1h1s")
        #expect(outcome.error.contains("start 1 with --stop-before 1h1s\n"))
        let rest = try #require(outcome.error.firstMatch(of: /start 2 with --resume --stop-before (\d+)s/)?.1)
        #expect((3500...3600).contains(try #require(Int(rest))))
    }
}

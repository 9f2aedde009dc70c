import Foundation
import TestSupport
import Testing

/// `launch/study` with a few lines of shell in the place of `mpo`, whose next run is what the file `next` says.
@Suite("launch/study", .serialized)
struct StudyCommandTests {
    /// A run ends as `ending` says, on rank zero; one that ends well is finished, and `then` is next.
    private func study(
        next: String, then: String = "", ending: String = "exit 0", _ arguments: [String],
        body: (Script.Running) throws -> Void = { _ in }
    ) throws -> Script.Outcome {
        try TestSupport.withTemporaryDirectory { directory in
            let config = try write("", "config.yaml", in: directory)
            try write(next, "next", in: directory)
            try write(then, "then", in: directory)
            let binary = try write(
                """
                #!/bin/bash
                here=${0%/*}
                case $* in
                    study*--next) cat "$here/next"; exit ;;
                    study*) shift; echo "table: ${*//$here/HERE}"; exit ;;
                    *--print-config) echo "output_dir: $here/run"; echo stall_timeout_seconds: 20; exit ;;
                esac
                trap 'exit 75' USR1
                if ((OMPI_COMM_WORLD_RANK > 0)); then
                    until [[ -e "$here/over" ]]; do sleep 0.1; done
                    exit
                fi
                echo "mpo: 2 ranks (a test): ${*//$here/HERE}" >&2
                finish() { mv "$here/then" "$here/next"; touch "$here/over"; }
                \(ending)
                """, "mpo", in: directory, isExecutable: true)
            let script = Script(name: "study", environment: ["MPO_BINARY": binary, "MPO_CORES": "2"])
            let running = try script.start(arguments.map { $0 == "CONFIG" ? config : $0 })
            try body(running)
            return try running.finish()
        }
    }

    private static let seed1 = "seed 1 (1 of 2)\nout/seed-1\n--set\noutput_dir=out/seed-1\n--set\nseed=1\n"
    private static let options = ["-n", "2", "CONFIG", "--seeds", "1-2"]

    @Test("Runs are made one after another as mpo says, and then the table; options go where they belong")
    func runs() throws {
        let outcome = try study(
            next: Self.seed1, ending: "finish",
            [
                "--seeds=1-2", "--arms", "a,b", "--workers", "1", "--set", "x=1", "CONFIG", "--allow-inexact",
                "--set=y=2",
            ])
        #expect(outcome.status == 0, "\(outcome.error)")
        #expect(outcome.error.contains("launch/study: seed 1 (1 of 2): out/seed-1\n"))
        #expect(
            outcome.error.contains(
                "train HERE/config.yaml --set x=1 --allow-inexact --set y=2 --set output_dir=out/seed-1 --set seed=1 "
                    + "--set placement=colocated"))
        #expect(outcome.output == "table: HERE/config.yaml --seeds 1-2 --arms a,b --set x=1 --set y=2\n")
    }

    @Test("--dry-run prints the command of the next run, and a time limit counts over all runs")
    func dryRun() throws {
        let outcome = try study(next: Self.seed1, Self.options + ["--dry-run", "--stop-before", "1h"])
        #expect(outcome.status == 0, "\(outcome.error)")
        let command = try #require(
            outcome.output.firstMatch(of: /--set output_dir=out\/seed-1 --set seed=1 --stop-before (\d+)s \n/))
        #expect((3500...3600).contains(Int(command.1) ?? 0))
        #expect(outcome.error.isEmpty)
        #expect(try study(next: "", Self.options + ["--dry-run"]).error == "launch/study: all runs are finished\n")
    }

    @Test(
        "A run that fails or stops ends the study, whose last line says which and what to do",
        arguments: [
            (1, "error: seed 1 (1 of 2) failed with status 1: what has failed is said above; the same command goes on"),
            (2, "error: seed 1 (1 of 2) did not start (status 2): mend what is said above, and start the study again"),
            (75, "stopped in seed 1 (1 of 2); the same command goes on"),
        ])
    func statuses(status: Int32, line: String) throws {
        let outcome = try study(next: Self.seed1, ending: "exit \(status)", Self.options)
        #expect(outcome.status == status, "\(outcome.error)")
        #expect(outcome.lastLine.hasPrefix("launch/study: \(line)"), "\(outcome.lastLine)")
        #expect(outcome.output.isEmpty)
    }

    @Test("A run in which an arm diverged is followed by what mpo then says is next")
    func divergence() throws {
        let without = "seed 1 (1 of 2) without a\nout/seed-1-without-a\n"
        let outcome = try study(
            next: Self.seed1, then: without,
            ending: #"if [[ -e "$here/then" ]]; then finish; exit 1; fi; : >"$here/next"; touch "$here/over""#,
            Self.options)
        #expect(outcome.status == 0, "\(outcome.error)")
        #expect(
            outcome.error.contains("launch/study: an arm diverged in seed 1 (1 of 2), which counts as lost for it\n"))
        #expect(outcome.error.contains("launch/study: seed 1 (1 of 2) without a: out/seed-1-without-a\n"))
        #expect(outcome.output.hasPrefix("table: "))
    }

    @Test("A run that ends well and is not finished is not started for ever")
    func unfinished() throws {
        let outcome = try study(next: Self.seed1, then: Self.seed1 + "--resume\n", ending: "finish", Self.options)
        #expect(outcome.status == 1)
        #expect(outcome.lastLine.hasSuffix("seed 1 (1 of 2) has ended, and is not finished: look at out/seed-1"))
    }

    @Test("A signal stops the run, and the study after it")
    func signal() throws {
        let ending = "echo up >&2\nfor i in {1..200}; do sleep 0.1; done"
        let outcome = try study(next: Self.seed1, ending: ending, Self.options) { job in
            let isUp = try job.waitFor("up\n")
            #expect(isUp)
            kill(job.identifier, SIGTERM)
        }
        #expect(outcome.status == 75, "\(outcome.error)")
        #expect(outcome.lastLine == "launch/study: stopped in seed 1 (1 of 2); the same command goes on")
    }

    @Test("What mpo refuses, and options without sense, end it with status 2 before any run")
    func mistakes() throws {
        for (arguments, text) in [
            (["-n", "2"], "error: no config given: a file that ends in .yaml (launch/study --help)"),
            (Self.options + ["--resume"], "error: a study goes on by itself where it was left: leave out --resume"),
            (["CONFIG", "--seeds"], "error: --seeds takes a value (launch/study --help)"),
        ] {
            let outcome = try study(next: Self.seed1, arguments)
            #expect(outcome.status == 2)
            #expect(outcome.error == "launch/study: \(text)\n")
        }
    }
}

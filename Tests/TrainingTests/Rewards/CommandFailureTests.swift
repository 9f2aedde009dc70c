import Foundation
import JSON
import Runs
import TestSupport
import Testing
import Training

@Suite("A program that fails to score")
struct CommandFailureTests {
    private let answer = #"echo '{"score": 1}'"#

    /// What scoring `count` short responses throws.
    private func failure(_ scorer: CommandScorer, count: Int = 5) throws -> CommandError {
        let error = try #require(throws: CommandError.self) {
            try scorer.scores((0..<count).map { item("\($0)") })
        }
        #expect(!error.description.contains("\n"))
        #expect(scorer.process == nil)
        return error
    }

    private func failure(_ command: String, count: Int = 5, timeout: Double = 20) throws -> CommandError {
        let error = try failure(CommandScorer(command, timeout: timeout), count: count)
        #expect(error.description.contains("'\(command)'"))
        return error
    }

    @Test("One that dies midway: its status, how far it came and its last words")
    func dies() throws {
        let error = try failure(
            "read a; \(answer); read a; \(answer); echo loading >&2; echo 'no such label' >&2; exit 7", count: 5)
        #expect(error.problem == .ended)
        #expect(error.exit == .status(7))
        #expect(error.answered == (2, 5))
        #expect(error.exitStatus == 1)
        #expect(
            error.description.hasSuffix(
                "ended with status 7 after 2 of 5 answers; it must answer each line as it reads it, until its input ends; its last words: loading | no such label"
            ))
    }

    @Test("One that dies while much is still to be sent does not end this process")
    func diesUnread() throws {
        // A test's process may have been started with the signal ignored.
        let before = signal(SIGPIPE, SIG_DFL)
        defer { signal(SIGPIPE, before) }
        let scorer = CommandScorer("read a; \(answer); exit 3")
        let long = String(repeating: "x", count: 1 << 20)
        let error = try #require(throws: CommandError.self) { try scorer.scores([item(long), item(long), item(long)]) }
        #expect(error.answered == (1, 3))
        #expect(error.exit == .status(3))
    }

    @Test("One that a signal ends")
    func endedBySignal() throws {
        let error = try failure("read a; kill -SEGV $$")
        #expect(error.exit == .signal(SIGSEGV))
        #expect(error.description.contains("was ended by signal 11 (Segmentation fault) after 0 of 5 answers"))
    }

    @Test("Of many last words the end is told")
    func lastWords() throws {
        let error = try failure("i=0; while [ $i -lt 20000 ]; do echo \"line $i\" >&2; i=$((i+1)); done; exit 1")
        #expect(error.lastWords == "line 19996 | line 19997 | line 19998 | line 19999")
    }

    @Test(
        "One that prints what is no answer",
        arguments: [
            ("Loading model...", "which is not JSON"),
            (#"{"score": NaN}"#, "which is not JSON: NaN is no value of JSON"),
            (#"{"reward": 1}"#, "which has no \"score\""),
            ("3.5", "which has no \"score\""),
            (#"{"score": "high"}"#, "whose score is not a number"),
            (#"{"score": 1e999}"#, "whose score is not finite"),
            (#"{"score": 1.2e29}"#, "whose score is too large to compute with (beyond 1e12)"),
            (
                #"{"score": -123456789012345678901234567890}"#,
                "whose score is too large to compute with (beyond 1e12)"
            ),
            (#"{"score": 1, "score": 2}"#, "which has \"score\" twice"),
        ])
    func nonsense(line: String, reason: String) throws {
        let error = try failure("read a; \(answer); read a; printf '%s\\n' '\(line)'; cat > /dev/null")
        #expect(error.problem == .nonsense(line: line, reason: reason))
        #expect(error.answered == (1, 5))
        #expect(error.exitStatus == 2)
        #expect(error.description.contains("printed '\(line)' after 1 of 5 answers, \(reason)"))
    }

    @Test("One whose line never ends")
    func endless() throws {
        let error = try failure("yes | tr -d '\\n'")
        guard case .nonsense(let line, "a line without an end") = error.problem else {
            Issue.record("\(error)")
            return
        }
        #expect(line.count == 100)
    }

    @Test("One that answers too few and waits is told to flush")
    func tooFew() throws {
        let error = try failure("read a; \(answer); echo 'thinking' >&2; sleep 100", timeout: 0.5)
        #expect(error.problem == .stalled(seconds: 0.5, blankLines: 0))
        #expect(error.answered == (1, 5))
        #expect(error.description.contains("gave no answer for 0.5s after 1 of 5 answers; it must answer each line"))
        #expect(error.description.contains("flush"))
        #expect(error.lastWords == "thinking")
    }

    @Test("One that closes its output but goes on")
    func closesOutput() throws {
        let error = try failure("exec >&-; sleep 100")
        #expect(error.problem == .ended)
        #expect(error.exit == .forced)
    }

    @Test("One that answers more than it was asked, in the batch or before the next")
    func tooMany() throws {
        let error = try failure(
            #"read a; read b; printf '%s\n%s\n%s\n' '{"score": 1}' '{"score": 2}' '{"score": 3}'; cat > /dev/null"#,
            count: 2)
        #expect(error.problem == .unasked(line: #"{"score": 3}"#))

        try TestSupport.withTemporaryDirectory { directory in
            let note = directory.appending(path: "note").path
            let scorer = CommandScorer("read a; \(answer); sleep 0.1; echo bye; echo said > '\(note)'; cat > /dev/null")
            #expect(try scorer.scores([item("x")]) == [1])
            try #require(TestSupport.waits { FileManager.default.fileExists(atPath: note) })
            #expect(try failure(scorer).problem == .unasked(line: "bye"))
        }
    }

    @Test(
        "One that does not exist is the user's mistake, on the first call and when asked before",
        arguments: ["no-such-judge --fast", "./no/such/judge", "A=1 no-such-judge"])
    func missing(command: String) throws {
        let error = try failure(command)
        guard case .cannotStart(let reason) = error.problem else {
            Issue.record("\(error)")
            return
        }
        // The shell says so of a name it does not find where PATH has a directory that is closed to it.
        #expect(reason.contains("not found") || reason.contains("Permission denied"))
        #expect(error.exitStatus == 2)
        let early = try #require(throws: CommandError.self) { try ShellProgram.check(command) }
        #expect(early.exitStatus == 2)
        #expect(early.description.contains("cannot be started: "))
    }

    @Test("A line that the shell cannot read is found before it runs")
    func syntax() throws {
        let error = try #require(throws: CommandError.self) { try ShellProgram.check("cat | (") }
        #expect(error.description.lowercased().contains("syntax error"))
    }

    @Test(
        "What may well run passes the check, and does not run",
        arguments: [
            "cat", "cd / && exit 3", "X='a b' cat", "while true; do exit 3; done", "\"$JUDGE\" --port 3", "~/judge",
            "/bin/sh -c 'exit 3'", "A=1 cat",
        ])
    func plausible(command: String) throws {
        try ShellProgram.check(command)
    }

    @Test("After a failure every call throws the same, and nothing is started again")
    func failsForGood() throws {
        try TestSupport.withTemporaryDirectory { directory in
            let log = directory.appending(path: "starts").path
            let scorer = CommandScorer("echo start >> '\(log)'; exit 4")
            let first = try failure(scorer)
            let second = try failure(scorer)
            #expect(first.description == second.description)
            #expect(try String(contentsOfFile: log, encoding: .utf8) == "start\n")
        }
    }
}

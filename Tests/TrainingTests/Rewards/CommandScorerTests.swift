import Foundation
import JSON
import PreferenceData
import Runs
import TestSupport
import Testing
import Tokenizers
import Training

/// Programs in the shell where a few lines do; Python where the JSON must be read.
@Suite("Rewards by a program")
struct CommandScorerTests {
    /// Answers each line as it comes with the value of a Python expression of `r`, the record.
    private func python(_ expression: String, before: String = "pass") -> String {
        """
        python3 -c '
        import json, sys, time
        \(before)
        for n, line in enumerate(sys.stdin):
            r = json.loads(line)
            print(json.dumps({"score": \(expression)}))
        '
        """
    }

    @Test("Each response is answered in order, over several batches of one process")
    func order() throws {
        let scorer = CommandScorer(python(#"float(r["completion"]) + n / 1024"#))
        #expect(scorer.process == nil)
        #expect(try scorer.scores((0..<100).map { item("\($0)") }) == (0..<100).map { Double($0) * (1 + 1 / 1024) })
        let process = try #require(scorer.process)
        // The program's own line count goes on: it was not started again.
        #expect(try scorer.scores([item("-3"), item("0.5")]) == [-3 + 100 / 1024, 0.5 + 101 / 1024])
        #expect(scorer.process == process)
        #expect(try scorer.scores([]) == [])
    }

    @Test(
        "Each answer is told; an error thrown then ends the program and is thrown on, and the next questions start another"
    )
    func answered() throws {
        var left = 7
        let scorer = CommandScorer(python("n")) {
            left -= 1
            if left == 0 { throw CancellationError() }
        }
        #expect(try scorer.scores((0..<5).map { item("\($0)") }) == [0, 1, 2, 3, 4])
        #expect(left == 2)
        #expect(throws: CancellationError.self) { try scorer.scores((0..<5).map { item("\($0)") }) }
        #expect(scorer.process == nil)
        #expect(try scorer.scores([item("again")]) == [0])
    }

    @Test("The prompt arrives as the data gave it, and text unharmed")
    func records() throws {
        let messages = [
            ChatMessage(role: "system", content: "s"), ChatMessage(role: "user", content: "a \"b\"\n\u{7}\\ é 🎉"),
        ]
        let expected = #"[{"role": "system", "content": "s"}, {"role": "user", "content": "a \"b\"\n\u0007\\ é 🎉"}]"#
        try TestSupport.withTemporaryDirectory { directory in
            let seen = directory.appending(path: "seen").path
            let scorer = CommandScorer(
                """
                while read -r line; do
                    printf '%s\\n' "$line" >> '\(seen)'; echo '{"score": 1, "why": []}'
                done
                """)
            let items = [item("c\r\n d", prompt: .messages(messages)), item("", prompt: .text("{plain}"))]
            let scores = try scorer.scores(items)
            #expect(scores == [1, 1])
            let text = try String(contentsOfFile: seen, encoding: .utf8)
            #expect(
                text == """
                    {"prompt": \(expected), "completion": "c\\r\\n d"}
                    {"prompt": "{plain}", "completion": ""}

                    """)
        }
    }

    @Test(
        "A row's other columns stand behind prompt and completion, which win, and what the layout reads is not repeated"
    )
    func columns() throws {
        let line = #"{"id": 7, "prompt": "p", "completion": "theirs", "chosen": "c", "meta": {"a": [1.50, null]}}"#
        guard case .object(let fields) = try JSON(parsing: line) else { throw CancellationError() }
        var remarks: [RecordRemark] = []
        let row = try Prompt(
            fields: fields, index: 0, source: RecordSource(file: "f", line: 1), remarks: &remarks)
        try TestSupport.withTemporaryDirectory { directory in
            let seen = directory.appending(path: "seen").path
            let scorer = CommandScorer("read -r line; printf %s \"$line\" > '\(seen)'; echo '{\"score\": 1}'")
            let item = ScoredItem(prompt: [], response: [], row: row, completion: "ours")
            let scores = try scorer.scores([item])
            #expect(scores == [1])
            let expected = #"{"prompt": "p", "completion": "ours", "id": 7, "meta": {"a": [1.50, null]}}"#
            let text = try String(contentsOfFile: seen, encoding: .utf8)
            #expect(text == expected)
        }
    }

    @Test("Ten thousand long responses pass a program that answers at length while it reads")
    func manyLong() throws {
        // Some 40 MB go in and 10 MB come out: neither pipe holds more than 64 KiB.
        let scorer = CommandScorer(
            """
            python3 -c '
            import sys
            for line in sys.stdin.buffer:
                text = line.split(b"\\x22completion\\x22: \\x22")[1]
                sys.stdout.buffer.write(b"{\\x22note\\x22: \\x22" + b"n" * 1000 + b"\\x22, \\x22score\\x22: "
                    + text.split(b" ")[0] + b"}\\n")
            '
            """)
        let tail = String(repeating: " lorem ipsum", count: 333)
        let items = (0..<10_000).map { item("\($0)\(tail)") }
        #expect(try scorer.scores(items) == (0..<10_000).map(Double.init))
    }

    @Test("A program that reads all it gets before it answers anything is no deadlock")
    func readsAhead() throws {
        let scorer = CommandScorer(
            "python3 -c 'import sys\nlines = [sys.stdin.readline() for _ in range(2000)]\n"
                + "for line in lines: print(\"{\\\"score\\\": %d}\" % len(line))'")
        let items = (0..<2000).map { item(String(repeating: "x", count: 1000 + $0)) }
        let empty = #"{"prompt": "p", "completion": ""}"#.utf8.count + 1
        #expect(try scorer.scores(items) == (0..<2000).map { Double(empty + 1000 + $0) })
    }

    @Test("A slow program is waited for: the time limit counts from the last answer")
    func slow() throws {
        let scorer = CommandScorer("while read -r line; do sleep 1; echo '{\"score\": 2}'; done", timeout: 4.5)
        #expect(try scorer.scores((0..<6).map { item("\($0)") }) == [Double](repeating: 2, count: 6))
    }

    @Test("Megabytes on standard error hold nothing up")
    func chatter() throws {
        let scorer = CommandScorer(
            python("float(r[\"completion\"])", before: "for _ in range(4000): sys.stderr.write(\"e\" * 999 + \"\\n\")"))
        #expect(try scorer.scores([item("1"), item("2")]) == [1, 2])
    }

    @Test("It runs in this process's environment, and Python need not flush")
    func environment() throws {
        let pathLength = try #require(ProcessInfo.processInfo.environment["PATH"]).utf8.count
        let scorer = CommandScorer(
            "while read -r line; do echo \"{\\\"score\\\": ${#PATH}$PYTHONUNBUFFERED}\"; done")
        let unbuffered = ProcessInfo.processInfo.environment["PYTHONUNBUFFERED"] ?? "1"
        let expected = try #require(Double("\(pathLength)\(unbuffered)"))
        #expect(try scorer.scores([item("x")]) == [expected])
    }
}

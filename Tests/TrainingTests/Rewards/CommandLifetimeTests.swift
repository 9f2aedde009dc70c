import Foundation
import Runs
import TestSupport
import Testing
import Training

@Suite("The life of a scoring program")
struct CommandLifetimeTests {
    /// Whether a process, be it a zombie, has this id.
    private func exists(_ process: pid_t) -> Bool { kill(process, 0) == 0 }

    @Test("It ends with its scorer, by the end of its input, and leaves no zombie")
    func ends() throws {
        try TestSupport.withTemporaryDirectory { directory in
            let note = directory.appending(path: "note").path
            var scorer: CommandScorer? = CommandScorer(
                "while read -r line; do echo '{\"score\": 1}'; done; echo ended > '\(note)'")
            #expect(try scorer?.scores([item("x")]) == [1])
            let process = try #require(scorer?.process)
            #expect(exists(process))
            scorer = nil
            #expect(!exists(process))
            #expect(try String(contentsOfFile: note, encoding: .utf8) == "ended\n")
        }
    }

    @Test("One that ignores the end of its input, and SIGTERM, is ended with all it started")
    func stubborn() throws {
        try TestSupport.withTemporaryDirectory { directory in
            let note = directory.appending(path: "child").path
            var scorer: CommandScorer? = CommandScorer(
                """
                trap '' TERM
                sleep 1000 &
                echo $! > '\(note)'
                read -r line; echo '{"score": 1}'
                while true; do sleep 1; done
                """)
            #expect(try scorer?.scores([item("x")]) == [1])
            let process = try #require(scorer?.process)
            let text = try String(contentsOfFile: note, encoding: .utf8)
            let child = try #require(pid_t(text.filter(\.isNumber)))
            #expect(exists(child))
            scorer = nil
            #expect(!exists(process))
            #expect(isGone(child))
        }
    }

    @Test("What it left running behind itself ends too")
    func orphan() throws {
        try TestSupport.withTemporaryDirectory { directory in
            let note = directory.appending(path: "child").path
            var scorer: CommandScorer? = CommandScorer(
                "sleep 1000 & echo $! > '\(note)'; read -r line; echo '{\"score\": 1}'")
            #expect(try scorer?.scores([item("x")]) == [1])
            let child = try #require(pid_t(try String(contentsOfFile: note, encoding: .utf8).filter(\.isNumber)))
            scorer = nil
            #expect(isGone(child))
        }
    }

    @Test("Many scorers, each with a program, do not hold each other's open")
    func several() throws {
        var scorers = (0..<8).map { _ in
            CommandScorer("while read -r line; do echo '{\"score\": 1}'; done")
        }
        for scorer in scorers { #expect(try scorer.scores([item("x")]) == [1]) }
        let start = DispatchTime.now()
        while !scorers.isEmpty { scorers.removeFirst() }
        // Had a later program inherited an earlier one's input, each would wait out its grace of 3 s.
        #expect(DispatchTime.now().uptimeNanoseconds - start.uptimeNanoseconds < 12_000_000_000)
    }

    /// An orphan's status is collected by someone else, so it may be a zombie for long; its memory is gone at once.
    private func isGone(_ process: pid_t) -> Bool {
        for _ in 0..<100 {
            guard let stat = try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8),
                let state = stat.split(separator: ")").last?.split(separator: " ").first, state != "Z", state != "X"
            else { return true }
            usleep(20_000)
        }
        return false
    }
}

import Foundation
import TestSupport
import Testing

@Suite("mpo synthesize")
struct SynthesizeTests {
    @Test("The same seed writes the same task, whose data and model other commands read")
    func writes() throws {
        try Workspace.with { workspace in
            for name in ["one", "two"] { try workspace.mpo("synthesize", "--output", name, "--seed", "3") }
            try workspace.mpo("synthesize", "--output", "other", "--seed", "4")
            #expect(try workspace.read("one/pairs.jsonl") == workspace.read("two/pairs.jsonl"))
            #expect(try workspace.read("one/pairs.jsonl") != workspace.read("other/pairs.jsonl"))
            #expect(try workspace.mpo("tokenize", "--model", "one/model", input: " rice\n").lines.count == 1)
        }
    }

    @Test("The judge scores the ideal answer of an order highest, and names the line that is no question")
    func judges() throws {
        try Workspace.with { workspace in
            let line = { (answer: String) in
                "{\"prompt\": \"Guest: rice, tea.\\nWaiter:\", \"completion\": \"\(answer)\"}\n"
            }
            let input = line(" certainly, tea, rice. enjoy!") + line(" ugh, rice")
            let result = try workspace.mpo("synthesize", "--judge", input: input)
            #expect(result.lines.count == 2)
            #expect(result.lines[0] == "{\"score\":6}")
            let bad = try workspace.mpo("synthesize", "--judge", input: input + "{}\n", status: 2)
            #expect(bad.lastError.contains("standard input:3: "))
        }
    }
}

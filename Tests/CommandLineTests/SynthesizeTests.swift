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

    @Test("--task says what is written, and is nothing to the judge")
    func tasks() throws {
        try Workspace.with { workspace in
            try workspace.mpo("synthesize", "--output", "sums", "--task", "arithmetic")
            #expect(try workspace.read("sums/prompts-eval.jsonl").hasPrefix("{\"prompt\": \"Q: "))
            let other = try workspace.mpo("synthesize", "--output", "sums", status: 2)
            #expect(
                other.lastError.contains("sums: prompts.jsonl of the task arithmetic is there already; name another"))
            #expect(try workspace.read("sums/sft.jsonl").hasPrefix("{\"prompt\": \"Q: "))
            let result = try workspace.mpo("synthesize", "--judge", "--task", "orders", status: 2)
            #expect(result.lastError.contains("--task belongs to --output;"))
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

    @Test(
        "A rank can start the judge as its program", .enabled(if: TestSupport.mpirun != nil, "mpirun is not in PATH"))
    func judgesForRanks() throws {
        try Workspace.with { workspace in
            let question = "{\"prompt\": \"Guest: tea.\\nWaiter:\", \"completion\": \" no\"}"
            try workspace.write(question + "\n", to: "question.jsonl")
            let judge = "'\(TestSupport.product("mpo").path)' synthesize --judge < question.jsonl"
            let job = try Job.mpirun(
                ranks: 2, URL(filePath: "/bin/sh"), ["-c", judge], directory: workspace.directory, timeLimit: 120)
            let result = try job.run()
            #expect(result.status == 0)
            #expect(result.lines.count == 2)
            #expect(result.lines.allSatisfy { $0.hasPrefix("{\"score\":") })
        }
    }
}

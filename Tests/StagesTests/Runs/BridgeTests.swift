import Foundation
import Runs
import Stages
import TestSupport
import Testing
import Training

@Suite("Losing answers edited by a program", .serialized, .enabled(if: RunWorkspace.hasNeeds, RunWorkspace.needs))
struct BridgeTests {
    /// The last word of the winning answer in the place of the losing one's; of 24 pairs 0, 7, 14 and 21 are left out, and 3, 13
    /// and 23 come back as they were.
    private static let program = """
        import json, os, sys, time
        for line in sys.stdin:
            pair = json.loads(line)
            number = int(pair["prompt"].split()[-1])
            edited = pair["rejected"].rsplit(" ", 1)[0] + " " + pair["chosen"].rsplit(" ", 1)[1]
            if number % 10 == 3: edited = pair["rejected"]
            if os.path.exists("slow"): time.sleep(0.1)
            print(json.dumps({"completion": None if number % 7 == 0 else edited}))
            with open("asked", "a") as asked: asked.write(f"{number}\\n")
        """

    private func prepare(_ workspace: RunWorkspace) throws {
        let pairs = (0..<24).map { number in
            #"{"id": \#(number), "prompt": "Tom saw \#(number)", "chosen": " dogs and was very happy!", "#
                + #""rejected": " dogs and ran away.", "score_chosen": 0.5}"#
        }
        try workspace.write(pairs.joined(separator: "\n"), to: "pairs.jsonl")
        try workspace.write(Self.program, to: "edit.py")
        try workspace.configure(
            """
            dataset: {train: pairs.jsonl, max_length: 96, max_prompt_length: 64}
            stages: [bridge, dpo]
            bridge: {command: "python3 edit.py"}
            dpo: {loss_type: bmc, max_steps: 2, train_batch_size: 6, eval_data: []}
            """)
    }

    @Test("Pairs are the edited answer over the losing one, in the data's order on any ranks, and bmc learns from them")
    func pairs() throws {
        try RunWorkspace.with { workspace in
            try prepare(workspace)
            let result = try workspace.train(ranks: 3, ["output_dir=three"])
            #expect(
                result.errors.contains(
                    "bridge: 17 of 24 pairs; 4 left out by the program; 3 left out as the losing answer itself; "
                        + "mean change +1 characters"), "\(result.errors)")
            #expect(result.errors.contains("dpo: 17 of 17 examples"), "\(result.errors)")
            #expect(try workspace.metrics("three").allSatisfy { $0.values["loss"]?.isFinite ?? false })
            #expect(try workspace.metrics("three").count == 2)
            let text = String(decoding: try workspace.data("three/stages/01-bridge/pairs.jsonl"), as: UTF8.self)
            let lines = text.split(separator: "\n")
            #expect(
                lines.first == """
                    {"prompt": "Tom saw 1", "chosen": " dogs and ran happy!", "rejected": " dogs and ran away.", "id": 1, \
                    "original_chosen": " dogs and was very happy!", "original_score_chosen": 0.5}
                    """)
            let numbers = (0..<24).filter { $0 % 7 != 0 && $0 % 10 != 3 }
            #expect(zip(lines, numbers).allSatisfy { $0.contains("\"id\": \($1),") } && lines.count == numbers.count)
            let summary = try JSONDecoder().decode(
                BridgeSummary.self, from: workspace.data("three/stages/01-bridge/summary.json"))
            #expect(summary.count == 24 && summary.pairs == 17 && summary.leftOut == 4 && summary.unchanged == 3)
            #expect(summary.meanLengthChange == 1)

            try workspace.train(["output_dir=one", "stages=[bridge]"])
            for file in ["pairs.jsonl", "summary.json"] {
                let path = "stages/01-bridge/\(file)"
                #expect(try workspace.data("one/\(path)") == workspace.data("three/\(path)"))
            }
        }
    }

    @Test("A run that is killed goes on with the pairs that are left, and asks for no answer that it has")
    func killed() throws {
        try RunWorkspace.with { workspace in
            try prepare(workspace)
            try workspace.train(ranks: 3, ["output_dir=whole"])
            try workspace.write("", to: "slow")
            let journal = "out/stages/01-bridge/progress.jsonl"
            let lines = { (path: String) in (try? workspace.data(path))?.count { $0 == UInt8(ascii: "\n") } ?? 0 }
            let killed = try workspace.end(try workspace.job(ranks: 3), at: Moment()) { _ in
                while lines(journal) < 5 { usleep(1000) }
                for process in workspace.processes { kill(process, SIGKILL) }
            }
            let done = lines(journal)
            #expect(killed.status != 0 && done < 24)
            try FileManager.default.removeItem(at: workspace.url("slow"))
            try FileManager.default.removeItem(at: workspace.url("asked"))
            let resumed = try workspace.train(ranks: 3, resume: true)
            #expect(resumed.errors.contains("bridge: 24 pairs, from \(done) on"), "\(resumed.errors)")
            #expect(lines("asked") == 24 - done)
            try workspace.expectSame()
        }
    }

    @Test(
        "What the program cannot answer ends the run with a line that says so, and a program that is not there before it"
    )
    func failures() throws {
        try RunWorkspace.with { workspace in
            try prepare(workspace)
            func lastLine(_ command: String, ranks: Int = 1, status: Int32) throws -> String {
                let result = try workspace.train(
                    ranks: ranks, status: status, ["output_dir=\(status)-\(ranks)", "bridge.command=\(command)"])
                let told = result.errors.split(separator: "\n").filter {
                    $0.contains(/^mpo: .*stage 01-bridge|bridge.command/)
                }
                #expect(told.count == 1, "\(result.errors)")
                return String(told.last ?? "")
            }
            let wrong = try lastLine(#"'read a; echo "{\"completion\": 3}"; cat > /dev/null'"#, ranks: 3, status: 2)
            #expect(wrong.hasPrefix("mpo: rank ") && wrong.contains(": stage 01-bridge: command '"), "\(wrong)")
            #expect(
                wrong.contains(
                    #"after 0 of 12 answers, whose completion is neither text nor null; each line of its output must be "#
                        + #"{"completion": TEXT} or {"completion": null}, and other messages belong on standard error"#),
                "\(wrong)")
            // The answers that came before are kept for a resume.
            let five = #"'for i in 1 2 3 4 5; do read l && echo "{\"completion\": \"x\"}"; done; exit 3'"#
            #expect(try lastLine(five, status: 1).contains("ended with status 3 after 5 of 16 answers"))
            #expect(try workspace.data("1-1/stages/01-bridge/progress.jsonl").count { $0 == UInt8(ascii: "\n") } == 5)
            let missing = try lastLine("no-such-editor", status: 2)
            #expect(
                missing.contains(": bridge.command: command 'no-such-editor' cannot be started: "),
                "\(missing)")
            #expect(!workspace.has("2-1"))
            let none = try lastLine(
                #"'while read -r a; do echo "{\"completion\": null}"; done'"#, ranks: 2, status: 2)
            #expect(
                none.hasPrefix(
                    "mpo: stage 01-bridge: no pair is left of 24: 24 left out by the program; change the program"),
                "\(none)")
        }
    }

    @Test(
        "An answer is text or null under its key",
        arguments: [
            (#"{"completion": "a\u00e9", "why": 1}"#, "aé"), (#"{"completion": null}"#, nil),
        ])
    func answers(line: String, completion: String?) throws {
        #expect(try CommandAnswer.completion.read(Array(line.utf8)[...]) == completion)
    }

    @Test(
        "Another line is no answer",
        arguments: [
            ("edited", "which is not JSON"), (#""edited""#, #"which has no "completion""#),
            (#"{"score": 1}"#, #"which has no "completion""#),
            (#"{"completion": ""}"#, "whose completion is empty (null leaves the pair out)"),
            (#"{"completion": ["a"]}"#, "whose completion is neither text nor null"),
            (#"{"completion": "a", "completion": "b"}"#, #"which has "completion" twice"#),
        ])
    func wrongAnswers(line: String, reason: String) throws {
        let fault = #expect(throws: CommandAnswerFault.self) {
            try CommandAnswer.completion.read(Array(line.utf8)[...])
        }
        #expect(fault?.reason == reason)
    }

    @Test("It reads the pairs that dpo and kto would, which read its pairs, in the order that they have")
    func inputs() throws {
        let run = try configuration(
            """
            stages: [sft, reward, split, bridge, dpo, kto]
            split: {order: easy_to_hard}
            bridge: {command: cat}
            """)
        let bridge = try #require(run.stage(named: "bridge")?.stage as? BridgeStage)
        let dpo = try #require(run.stage(named: "dpo")?.stage as? DPOStage)
        #expect(bridge.options.pairs == [.stage("split", part: "easy")])
        let kto = try #require(run.stage(named: "kto")?.stage as? KTOStage)
        #expect(dpo.options.pairs == [.stage("bridge", part: nil)] && !dpo.options.loop.shuffle)
        #expect(kto.options.data == dpo.options.pairs && !kto.options.loop.shuffle)
    }

    @Test("Its plan counts pairs, and its inspection shows the lines that the program reads")
    func forecast() throws {
        try RunWorkspace.with { workspace in
            try prepare(workspace)
            let run = try RunConfiguration(
                contentsOf: workspace.url("run.yaml").path,
                overrides: ["dataset.train=\(workspace.url("pairs.jsonl").path)"])
            let plan = try RunForecast(run, ranks: 3).text
            #expect(plan.contains(/bridge +24 pairs +all/) && plan.contains(/dpo +~24 pairs +6/), "\(plan)")
            #expect(plan.contains(/bridge +bridge +editor +1-2/), "\(plan)")
            let shown = try DataInspection(run, stage: "bridge", rows: 1).text
            #expect(
                shown.hasPrefix("bridge (bridge): 24 preference pairs\n\nrow 1 (")
                    && shown.hasSuffix(
                        #"""
                        :
                        {"prompt": "Tom saw 0", "chosen": " dogs and was very happy!", "rejected": " dogs and ran away.", \#
                        "id": 0, "score_chosen": 0.5}

                        """#),
                "\(shown)")
        }
    }
}

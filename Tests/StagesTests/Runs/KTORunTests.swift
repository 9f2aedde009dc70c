import Foundation
import TestSupport
import Testing
import Torch

@Suite("Runs of kto", .serialized, .enabled(if: RunWorkspace.hasNeeds, RunWorkspace.needs))
struct KTORunTests {
    private static let stages = """
        dataset: {train: train.jsonl, eval: eval.jsonl, max_length: 96, max_prompt_length: 64}
        save_steps: 2
        stages: [kto]
        kto: {max_steps: 9, train_batch_size: 6, learning_rate: 1.0e-3, eval_steps: 3, desirable_weight: 0.75, \
        max_tokens_per_micro_batch: 100}
        """

    /// Writes rows with a label, and pairs among them.
    private func prepare(_ workspace: RunWorkspace, _ lines: String = Self.stages) throws {
        let rows = { (numbers: Range<Int>) in
            numbers.map { number in
                let name = ["Tom", "Lily", "Ben", "Mia", "Max", "Sara", "Tim", "Anna"][number % 8]
                let good = " It was a sunny day and \(name) was happy \(number)."
                let end =
                    number % 4 == 0
                    ? "\"chosen\": \"\(good)\", \"rejected\": \" No dogs.\"}\n"
                    : "\"completion\": \"\(number % 3 > 0 ? good : " No.")\", \"label\": \(number % 3 > 0)}\n"
                return "{\"prompt\": \"Day \(number): \(name) went to the park.\", " + end
            }.joined()
        }
        try workspace.write(rows(0..<16), to: "train.jsonl")
        try workspace.write(rows(16..<21), to: "eval.jsonl")
        try workspace.configure(lines)
    }

    @Test("One that is killed and resumed ends as one that never stopped, with its table read", arguments: [1, 3])
    func killed(ranks: Int) throws {
        try RunWorkspace.with { workspace in
            try prepare(workspace)
            let whole = try workspace.train(ranks: ranks, ["output_dir=whole"])
            #expect(
                whole.errors.contains(
                    "4 preference pairs, each read as a desirable and an undesirable answer (the first: train.jsonl:1); "
                        + "12 rows with a label (the first: train.jsonl:2)"), "\(whole.errors)")
            #expect(whole.errors.contains("kto: 12 desirable and 8 undesirable answers"), "\(whole.errors)")
            #expect(whole.errors.contains("asks reference base about 20 of 20 answers"), "\(whole.errors)")
            let killed = try workspace.job(ranks: ranks).run { _ in
                let deadline = Date(timeIntervalSinceNow: 100)
                while !workspace.has("out/stages/01-kto/checkpoint-00000004"), Date() < deadline { usleep(1000) }
                for process in workspace.processes { Foundation.kill(process, SIGKILL) }
            }
            #expect(killed.status != 0 && !workspace.has("out/stages/01-kto/final"))
            let resumed = try workspace.train(ranks: ranks, resume: true)
            let read = resumed.errors.split(separator: "\n").filter {
                $0.contains("are read from stages/01-kto/reference-")
            }
            #expect(read.count == 2, "\(resumed.errors)")
            try workspace.expectSame()
            let (first, last) = (try workspace.metrics()[0].values, try workspace.metrics()[8].values)
            #expect(abs(try #require(first["loss"]) - 0.45) < 0.06 && first["rewards/margins"] == 0)
            #expect(try #require(last["rewards/margins"]) > 0.5)
            #expect(try #require(last["eval_kl"]) >= 0 && last["eval_rewards/chosen"] != nil)
        }
    }

    @Test(
        "APO-zero asks about no mismatched completion; a later stage reads an earlier one's table, if it asks the same")
    func tables() throws {
        try RunWorkspace.with { workspace in
            try prepare(
                workspace,
                """
                dataset: {train: train.jsonl, max_length: 96}
                stages: [first, second, third]
                first: {type: kto, max_steps: 1}
                second: {type: kto, max_steps: 1, init: base, beta: 0.3}
                third: {type: kto, max_steps: 1, loss_type: apo_zero_unpaired}
                """)
            let run = try workspace.train()
            #expect(
                run.errors.contains("second: log-probabilities under reference base are read from stages/01-first/"))
            #expect(run.errors.contains("third: asks reference base about 20 of 20 answers"), "\(run.errors)")
            let shapes = try ["01-first", "03-third"].map { stage in
                let directory = "out/stages/\(stage)"
                let table = try #require(
                    FileManager.default.contentsOfDirectory(atPath: workspace.url(directory).path).first {
                        $0.hasPrefix("reference-")
                    })
                return try SafetensorsFile(workspace.url("\(directory)/\(table)/shard-00000.safetensors")).entries[
                    "logps"]?
                    .shape
            }
            #expect(shapes == [[20, 2], [20, 1]])
            #expect(try workspace.metrics().map { $0.values["kl"] } == [0, 0, 0])
        }
    }

    @Test(
        "What cannot be learned from is refused before the first step, with a way out",
        arguments: [
            (
                #"{"prompt": "P", "completion": " c", "label": true}"#, [],
                "kto.data: has one answer, and the divergence"
            ),
            (
                #"{"prompt": "P", "completion": " c"}"#, [],
                "train.jsonl:1: it has no 'label'; write true for a desirable answer and false for another"
            ),
            (
                #"{"prompt": "P", "completion": " c", "label": 1}"#, [],
                "train.jsonl:1: 'label' is 1, not true or false; write true in its place"
            ),
            (
                Self.desirable, ["kto.desirable_weight=0"],
                "kto.data: has desirable answers alone, which desirable_weight 0 leaves out"
            ),
            (
                Self.desirable, ["kto.desirable_weight=0", "kto.undesirable_weight=0"],
                "kto.undesirable_weight: is 0, as desirable_weight is, so that nothing would be learned"
            ),
            (
                Self.desirable, ["kto.eval_data=[one.jsonl]"], "kto.eval_data: has one answer, and the divergence"
            ),
            (Self.desirable, ["kto.loss_type=ipo"], "kto.loss_type: expected one of kto, apo_zero_unpaired"),
        ])
    func refused(rows: String, settings: [String], message: String) throws {
        try RunWorkspace.with { workspace in
            try workspace.write(#"{"prompt": "P", "completion": " c", "label": true}"#, to: "one.jsonl")
            try workspace.write(rows, to: "train.jsonl")
            try workspace.configure("dataset: {train: train.jsonl}\nstages: [kto]")
            let result = try workspace.train(status: 2, settings)
            #expect(result.errors.contains(message), "\(result.errors)")
            #expect(!workspace.has("out"))
        }
    }

    private static let desirable = #"""
        {"prompt": "P", "completion": " c", "label": true}
        {"prompt": "Q", "completion": " d", "label": true}

        """#

    @Test("plan counts answers, two a pair, of rows that are there and of pairs to come; inspect shows labels")
    func seenBefore() throws {
        try RunWorkspace.with { workspace in
            try prepare(workspace)
            let told = { (words: [String]) in
                try Job(TestSupport.product("mpo"), words + ["run.yaml"], directory: workspace.directory).run().output
            }
            #expect(try told(["plan", "-n", "1"]).contains("kto    20 answers"))
            let rows = try told(["inspect", "--rows", "3"])
            for row in ["(train.jsonl:1): prompt", "(train.jsonl:2): prompt"] { #expect(rows.contains(row), "\(rows)") }
            #expect(rows.contains(" + desirable ") && rows.contains(" + undesirable ") && !rows.contains("row 4"))
            let pairs = (0..<8).map { "{\"prompt\": \"P\($0)\", \"chosen\": \" a\", \"rejected\": \" b\"}\n" }.joined()
            try workspace.write(pairs, to: "pairs.jsonl")
            try workspace.configure(
                """
                dataset: {train: pairs.jsonl}
                stages: [split, kto]
                split: {reward: "rule:length:9", quantile: 0.5}
                """)
            #expect(try told(["plan", "-n", "1"]).contains("kto    ~8 answers"))
        }
    }

    @Test("Answers of one label are learned from, with a warning, and one answer by APO-zero")
    func oneLabel() throws {
        try RunWorkspace.with { workspace in
            try workspace.write(Self.desirable, to: "train.jsonl")
            try workspace.write(#"{"prompt": "P", "completion": " c", "label": true}"#, to: "one.jsonl")
            try workspace.configure("dataset: {train: train.jsonl}\nstages: [kto]\nkto: {max_steps: 1}")
            let all = try workspace.job(ranks: 1).run()
            #expect(
                all.status == 0 && all.errors.contains("warning: 2 desirable and 0 undesirable answers"),
                "\(all.errors)")
            let one = try workspace.job(
                ranks: 1, ["output_dir=one", "kto.loss_type=apo_zero_unpaired", "dataset.train=one.jsonl"]
            ).run()
            #expect(one.status == 0, "\(one.errors)")
            try workspace.write(Self.desirable.replacing("\"Q\"", with: "\"P\""), to: "same.jsonl")
            let same = try workspace.job(ranks: 1, ["output_dir=same", "dataset.train=same.jsonl"]).run()
            #expect(same.errors.contains("  kto: warning: all answers are of one prompt, so "), "\(same.errors)")
            #expect(!all.errors.contains("of one prompt") && !one.errors.contains("of one prompt"))
        }
    }
}

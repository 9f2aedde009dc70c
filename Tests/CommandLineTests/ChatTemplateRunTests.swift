import Foundation
import TestSupport
import Testing

@Suite("Chat templates of runs")
struct ChatTemplateRunTests {
    private static let dated =
        #"{"bos_token": "<s>", "eos_token": "</s>", "chat_template": "{{ strftime_now('%Y') }}{% for m in messages %}"#
        + #"{{ m.content }}{{ eos_token }}{% endfor %}"}"#

    private func withTurns(_ body: (Workspace) throws -> Void) throws {
        try Workspace.with { workspace in
            let turn = #"[{"role": "user", "content": "a"}]"#
            try workspace.write("{\"prompt\": \(turn), \"chosen\": \"b\", \"rejected\": \"c\"}", to: "chat.jsonl")
            try workspace.configure(stages: "[dpo]", data: "chat.jsonl", "dpo: {max_steps: 1, train_batch_size: 1}")
            try body(workspace)
        }
    }

    @Test("A template that writes today's date writes that of the run's first day, in every command")
    func date() throws {
        try withTurns { workspace in
            try workspace.write(Self.dated, to: "policy/tokenizer_config.json")
            try workspace.mpo("inspect", "run.yaml")
            try workspace.mpo("plan", "run.yaml", "-n", "1")
            try workspace.mpo("generate", "--model", "policy", "--prompts", "chat.jsonl", "--response-length", "2")
            try workspace.mpo("train", "run.yaml", "--set", "chat_template_kwargs.date=2001-02-03")
            #expect(try workspace.read("out/config.yaml").contains("2001-02-03"))
            // The day of the run, and not this one.
            #expect(try workspace.mpo("train", "run.yaml", "--resume").errors.contains("nothing is left to do"))
            let wrong = try workspace.mpo(
                "plan", "run.yaml", "-n", "1", "--set", "chat_template_kwargs.date=soon", status: 2)
            #expect(
                wrong.lastError.contains("chat_template_kwargs: its date is no day of the calendar"), "\(wrong.errors)")
        }
    }

    @Test("A template in a file is part of the run: a change of the file is none of the run's")
    func file() throws {
        try withTurns { workspace in
            try workspace.write("{% for m in messages %}<{{ m.content }}>{{ eos_token }}{% endfor %}", to: "t.jinja")
            try workspace.mpo("train", "run.yaml", "--set", "chat_template=t.jinja")
            #expect(try workspace.read("out/stages/01-dpo/final/chat_template.jinja").contains("<{{ m.content }}>"))
            let missing = try workspace.mpo(
                "plan", "run.yaml", "-n", "1", "--set", "chat_template=./no.jinja", status: 2)
            #expect(missing.lastError.contains("chat_template: ./no.jinja: no such file of Jinja text"))
            let taken = try workspace.mpo(
                "plan", "run.yaml", "-n", "1", "--set", "chat_template_kwargs={messages: 1}", status: 2)
            #expect(taken.lastError.contains("chat_template_kwargs: messages is what each conversation brings"))
            let unwritten = try workspace.mpo(
                "plan", "run.yaml", "-n", "1", "--set", "chat_template=chatml", "--set",
                "chat_template_kwargs={tools: [a]}", status: 2)
            #expect(
                unwritten.lastError.contains("the chat template chatml reads no 'tools'; take it out"),
                "\(unwritten.errors)")
        }
    }

    @Test(
        "Rows with tools are written by the model's template for them, and saved models keep all or the one that was told"
    )
    func named() throws {
        try withTurns { workspace in
            let turn = #"[{"role": "user", "content": "a"}]"#
            let row = "{\"prompt\": \(turn), \"chosen\": \"b\", \"rejected\": \"c\""
            try workspace.write("\(row)}\n\(row), \"tools\": [\"t\"]}", to: "chat.jsonl")
            let turns = "{% for m in messages %}<{{ m.content }}>{{ eos_token }}{% endfor %}"
            try workspace.write(turns, to: "policy/chat_template.jinja")
            try FileManager.default.createDirectory(
                at: workspace.directory.appending(path: "policy/additional_chat_templates"),
                withIntermediateDirectories: true)
            try workspace.write("{{ tools[0] }}\(turns)", to: "policy/additional_chat_templates/tool_use.jinja")
            try workspace.write("{{ nothing.at_all }}\(turns)", to: "policy/additional_chat_templates/rag.jinja")
            let shown = try workspace.mpo("inspect", "run.yaml").output
            #expect(
                shown.contains(
                    "chat templates of policy/chat_template.jinja (1) and of policy/additional_chat_templates/tool_use.jinja (1)"
                ),
                "\(shown)")
            #expect(shown.contains("  │ t<a></s>"), "\(shown)")
            try workspace.mpo("train", "run.yaml")
            let kept = "out/stages/01-dpo/final/additional_chat_templates/tool_use.jinja"
            #expect(try workspace.read(kept) == "{{ tools[0] }}\(turns)")
            // One that is told stands for all; here a row has what it does not write.
            func told(_ name: String) -> [String] { ["run.yaml", "--set", "chat_template=\(name)"] }
            let refused = try workspace.mpo(["plan", "-n", "1"] + told("default"), status: 2).lastError
            #expect(
                refused.contains("chat.jsonl:2: chat template of policy/chat_template.jinja: it writes no 'tools'"),
                "\(refused)")
            let failing = try workspace.mpo(["plan", "-n", "1"] + told("rag"), status: 2).lastError
            #expect(
                failing.contains("chat.jsonl:1: chat template of policy/additional_chat_templates/rag.jinja: line 1"),
                "\(failing)")
            let unknown = try workspace.mpo(["plan", "-n", "1"] + told("tool_us"), status: 2).lastError
            #expect(
                unknown.contains(
                    "did you mean tool_use? Write one that the model brings (default, rag, tool_use), chatml"),
                "\(unknown)")
            try workspace.write("\(row), \"tools\": [\"t\"]}", to: "chat.jsonl")
            try workspace.mpo(["train", "--set", "output_dir=told"] + told("tool_use"))
            #expect(
                try workspace.read("told/stages/01-dpo/final/chat_template.jinja") == "{{ tools[0] }}\(turns)")
            #expect(!workspace.has("told/stages/01-dpo/final/additional_chat_templates"))
            try workspace.write("{{ tools }}{{ nothing.at_all }}", to: "t.jinja")
            let file = try workspace.mpo(["plan", "-n", "1"] + told("t.jinja"), status: 2).lastError
            #expect(file.contains("chat.jsonl:1: chat template of t.jinja: line 1"), "\(file)")
        }
    }

    @Test("Every answer of conversations is learned on any number of ranks, with the tools that rows name")
    func answers() throws {
        try Workspace.with { workspace in
            let turns = ["a": "bc", "de": "f", "gh": "i"].sorted { $0.key < $1.key }.map { question, answer in
                #"{"role": "user", "content": "\#(question)"}, {"role": "assistant", "content": "\#(answer)"}"#
            }
            let rows = (1...3).flatMap { count in
                (0..<4).map { _ in
                    "{\"messages\": [\(turns.prefix(count).joined(separator: ", "))], \"tools\": [\"t\(count)\"]}"
                }
            }
            try workspace.write(rows.joined(separator: "\n"), to: "pairs.jsonl")
            try workspace.write(
                "{{ tools[0] }}{% for m in messages %}<{{ m.content }}>{{ eos_token }}{% endfor %}"
                    + "{% if add_generation_prompt %}<{% endif %}", to: "t.jinja")
            try workspace.configure(
                stages: "[sft]",
                "chat_template: t.jinja\n"
                    + "sft: {max_steps: 2, train_batch_size: 6, assistant_only_loss: true}")
            let shown = try workspace.mpo("inspect", "run.yaml").output
            for clue in [
                "24 answers to learn", "prompts are written by the chat template of t.jinja", "  │ t1<a></s><",
                "tokens      least  median", "learned",
            ] { #expect(shown.contains(clue), "\(clue): \(shown)") }
            try workspace.mpo("train", "run.yaml", "--set", "output_dir=one")
            try workspace.mpo("train", "run.yaml", "--set", "output_dir=three", ranks: 3)
            try workspace.mpo(
                "train", "run.yaml", "--set", "output_dir=last", "--set", "sft.assistant_only_loss=false")
            let (one, three, last) = try (
                losses(workspace, "one"), losses(workspace, "three"), losses(workspace, "last")
            )
            #expect(one.count == 2 && zip(one, three).allSatisfy { abs($0 - $1) < 1e-5 * $0 }, "\(one) \(three)")
            #expect(zip(one, last).allSatisfy { abs($0 - $1) > 1e-3 }, "\(one) \(last)")
        }
    }

    private func losses(_ workspace: Workspace, _ run: String) throws -> [Double] {
        try workspace.read("\(run)/metrics.jsonl").split(separator: "\n").compactMap { line in
            (try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])?["loss"] as? Double
        }
    }
}

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
                "24 answers to learn", "prompts are written by the chat template of chat_template", "  │ t1<a></s><",
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

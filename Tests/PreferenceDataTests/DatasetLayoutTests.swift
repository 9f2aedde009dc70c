import Foundation
import PreferenceData
import Testing
import Tokenizers

@Suite("Dataset layouts")
struct DatasetLayoutTests {
    private func read<Record: DatasetRecord>(_ line: String, as: Record.Type = Record.self) throws -> Record {
        try withFile(line) { try Dataset<Record>(reading: [$0]).records[0] }
    }

    private func error<Record: DatasetRecord>(_ line: String, as: Record.Type) -> String {
        message { _ = try read(line, as: Record.self) }
    }

    private let user = ChatMessage(role: "user", content: "Hi")
    private let conversation = #"[{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "A"}]"#
    private let other = #"[{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "B"}]"#

    private func answer(_ text: String) -> Content { .messages([ChatMessage(role: "assistant", content: text)]) }

    @Test("An explicit pair keeps its prompt, chosen and rejected, as strings or as messages")
    func explicitPairs() throws {
        let text: PreferencePair = try read(#"{"id": 3, "prompt": "P ", "chosen": "c", "rejected": ""}"#)
        #expect((text.prompt, text.chosen, text.rejected) == (.text("P "), .text("c"), .text("")))
        #expect(text.fields["id"] == .number("3"))
        let chat: PreferencePair = try read(
            #"""
            {"prompt": [{"role": "user", "content": [{"type": "text", "text": "H"}, {"type": "text", "text": "i"}]}],
            """#.replacing("\n", with: "") + #" "chosen": [{"role": "assistant", "content": "A"}], "rejected": "#
                + #"[{"role": "assistant", "content": "B"}]}"#)
        let turn = try #require(chat.fields["prompt"])
        guard case .array(let turns) = turn, case .object(let object)? = turns.first else {
            Issue.record("\(turn)")
            return
        }
        var parts = user
        parts.fields["content"] = object["content"]
        #expect((chat.prompt, chat.chosen, chat.rejected) == (.messages([parts]), answer("A"), answer("B")))
    }

    @Test("Conversations without a prompt, or with it as text beside them, share their leading messages")
    func implicitMessages() throws {
        for prompt in ["", #""prompt": "Hi", "#, #""prompt": null, "#] {
            let pair: PreferencePair = try read("{\(prompt)\"chosen\": \(conversation), \"rejected\": \(other)}")
            #expect((pair.prompt, pair.chosen, pair.rejected) == (.messages([user]), answer("A"), answer("B")))
        }
    }

    @Test("Transcripts are cut behind the last Assistant turn that both share")
    func transcripts() throws {
        let prompt = #"\n\nHuman: one\n\nAssistant: two\n\nHuman: three\n\nAssistant:"#
        let pair: PreferencePair = try read("{\"chosen\": \"\(prompt) yes\", \"rejected\": \"\(prompt) yes, but\"}")
        #expect(pair.prompt == .text("\n\nHuman: one\n\nAssistant: two\n\nHuman: three\n\nAssistant:"))
        #expect((pair.chosen, pair.rejected) == (.text(" yes"), .text(" yes, but")))
        let empty: PreferencePair = try read("{\"chosen\": \"\(prompt)\", \"rejected\": \"\(prompt) no\"}")
        #expect((empty.prompt, empty.chosen, empty.rejected) == (pair.prompt, .text(""), .text(" no")))
        let longer = #"\n\nHuman: one\n\nAssistant: two\n\nHuman: four\n\nAssistant:"#
        #expect(
            error("{\"chosen\": \"\(prompt) yes\", \"rejected\": \"\(longer) no\"}", as: PreferencePair.self)
                .contains("chosen and rejected differ before their last '\\n\\nAssistant:', so they share no prompt"))
    }

    @Test(
        "Other texts share the words before they differ; a space goes with the responses, a line break with the prompt")
    func commonStart() throws {
        for (chosen, rejected, expected) in [
            ("The cat sat", "The car", ("The", " cat sat", " car")),
            ("Q?\\nyes", "Q?\\nno", ("Q?\n", "yes", "no")),
            ("a b", "a b c", ("a", " b", " b c")),
        ] {
            let pair: PreferencePair = try read("{\"chosen\": \"\(chosen)\", \"rejected\": \"\(rejected)\"}")
            #expect(
                (pair.prompt, pair.chosen, pair.rejected) == (.text(expected.0), .text(expected.1), .text(expected.2)))
        }
    }

    @Test("Texts that share nothing have no prompt, unless it is said to be empty")
    func noCommonStart() throws {
        let unsaid = error(#"{"chosen": "yes", "rejected": "no"}"#, as: PreferencePair.self)
        #expect(
            unsaid.hasSuffix("'prompt' is missing, and chosen and rejected share no beginning; write one into each row")
        )
        let other = error(#"{"trajectory": "q", "chosen": "yes", "rejected": "no"}"#, as: PreferencePair.self)
        #expect(
            other.hasSuffix(
                "name the column that it is in by dataset.columns: {prompt: NAME} (the row has 'trajectory')"))
        let said: PreferencePair = try read(#"{"prompt": "", "chosen": "yes", "rejected": "no"}"#)
        #expect((said.prompt, said.chosen, said.rejected) == (.text(""), .text("yes"), .text("no")))
    }

    @Test("Completions come from prompt and completion, messages, text, and the chosen side of pairs")
    func completions() throws {
        for (line, prompt, completion) in [
            (#"{"prompt": "p", "completion": "c"}"#, Content.text("p"), Content.text("c")),
            (#"{"text": "whole"}"#, .text(""), .text("whole")),
            ("{\"messages\": \(conversation)}", .messages([user]), answer("A")),
            ("{\"chosen\": \(conversation), \"rejected\": \(other)}", .messages([user]), answer("A")),
            (#"{"prompt": "p", "chosen": "c", "rejected": "r"}"#, .text("p"), .text("c")),
            (#"{"prompt": "p", "chosen": "c"}"#, .text("p"), .text("c")),
        ] {
            let record: PromptCompletion = try read(line)
            #expect((record.prompt, record.completion) == (prompt, completion), "\(line)")
        }
    }

    @Test("Prompts come from every layout that has one")
    func prompts() throws {
        for (line, prompt) in [
            (#"{"prompt": "p"}"#, Content.text("p")),
            (#"{"prompt": "p", "completion": "c"}"#, .text("p")),
            (#"{"prompt": "p", "chosen": "c", "rejected": "r"}"#, .text("p")),
            ("{\"messages\": \(conversation)}", .messages([user])),
            (#"{"messages": [{"role": "user", "content": "Hi"}]}"#, .messages([user])),
            ("{\"chosen\": \(conversation), \"rejected\": \(other)}", .messages([user])),
        ] {
            let record: Prompt = try read(line)
            #expect(record.prompt == prompt, "\(line)")
        }
    }

    @Test("Each way a line can be wrong has its own reason, with file and line")
    func reasons() throws {
        for (line, reason) in [
            (#""a text""#, "not a JSON object"),
            (#"{"chosen": "a""#, "not JSON: it ends where ',' or '}' should come (column 15)"),
            (#"{"chosen": "a", "rejected": "\ud800"}"#, "not JSON: half of a surrogate pair (column 30)"),
            ("{}", "a pair needs 'chosen' and 'rejected'; it has no fields at all"),
            (#"{"question": "a", "answer": "b"}"#, "a pair needs 'chosen' and 'rejected'; it has 'question', 'answer'"),
            (#"{"chosen": "a", "rejected": true}"#, "'rejected' is a boolean, not a string or a list of messages"),
            (#"{"chosen": [], "rejected": "b"}"#, "'chosen' is an empty list"),
            (
                #"{"chosen": ["x"], "rejected": "b"}"#,
                "'chosen'[0] is a string, not an object with 'role' and 'content'"
            ),
            (#"{"chosen": [{"content": "x"}], "rejected": "b"}"#, "'chosen'[0] has no 'role' that is a string"),
            (#"{"chosen": [{"role": "user"}], "rejected": "b"}"#, "'chosen'[0] has no 'content' that is a string"),
            (
                #"{"chosen": [{"role": "user", "content": [{"type": "image"}]}], "rejected": "b"}"#,
                "'chosen'[0] has a part that is not text"
            ),
            (
                "{\"chosen\": \(conversation), \"rejected\": \"b\"}",
                "one of 'chosen' and 'rejected' is a string and the other a list"
            ),
            (
                "{\"prompt\": \"p\", \"chosen\": \"a\", \"rejected\": \(other)}",
                "one of 'chosen' and 'rejected' is a string"
            ),
            ("{\"chosen\": \(other), \"rejected\": \(other)}", "chosen and rejected are the same, or one ends where"),
            (
                #"{"chosen": [{"role": "user", "content": "x"}], "rejected": [{"role": "user", "content": "y"}]}"#,
                "chosen and rejected share no leading message"
            ),
            (#"{"chosen": "same", "rejected": "same"}"#, "chosen and rejected are the same text, and no 'prompt'"),
        ] {
            let text = error(line, as: PreferencePair.self)
            #expect(text.contains("data.jsonl:1: \(reason)"), "\(line): \(text)")
            #expect(!text.contains("\n"))
        }
        for (line, reason) in [
            (#"{"messages": "x"}"#, "'messages' is a string, not a list of messages"),
            (#"{"messages": [{"role": "user", "content": "x"}]}"#, "'messages' does not end in an answer"),
            (#"{"prompt": "x"}"#, "needs 'prompt' and 'completion', 'messages', 'text', or"),
            (#"{"completion": "x"}"#, "no field 'prompt'; it has 'completion'"),
            (#"{"text": [{"role": "user", "content": "x"}]}"#, "'text' is not a string"),
        ] {
            #expect(error(line, as: PromptCompletion.self).contains("data.jsonl:1: \(reason)"), "\(line)")
        }
        #expect(error(#"{"prompt": ""}"#, as: Prompt.self).contains("data.jsonl:1: the prompt is empty"))
        #expect(error(#"{"text": "x"}"#, as: Prompt.self).contains("needs 'prompt', 'messages', or"))
    }

    @Test("Responses are compared by their code points, and so are the messages that conversations share")
    func codePoints() throws {
        for (first, second) in [("caf\u{E9}", "cafe\u{301}"), ("\u{212A}", "K"), ("\u{AC00}", "\u{1100}\u{1161}")] {
            func ending(in answer: String) -> String {
                conversation.replacing("\"A\"", with: "\"\(answer)\"")
            }
            let pair: PreferencePair = try read(
                "{\"chosen\": \(ending(in: first)), \"rejected\": \(ending(in: second))}")
            #expect(pair.prompt == .messages([user]))
            #expect(pair.chosen == answer(first) && pair.rejected == answer(second) && pair.chosen != pair.rejected)
            let turns = [first, second].map { conversation.replacing("Hi", with: $0) }
            #expect(
                error("{\"chosen\": \(turns[0]), \"rejected\": \(turns[1])}", as: PreferencePair.self)
                    .contains("share no leading message"))
        }
        // A mark behind a colon or a space belongs to what was said, not to the marker before it.
        #expect(
            Transcript.messages(of: "\n\nHuman:\u{301}x\n\nAssistant: \u{301}y").map(\.content) == [
                "\u{301}x", "\u{301}y",
            ])
    }

    @Test("A transcript's turns are its messages")
    func turns() {
        let text = "\n\nHuman: Hi  there\nyou\n\nAssistant: Hello\n\nHuman: Bye\n\nAssistant:"
        let expected = [("user", "Hi  there\nyou"), ("assistant", "Hello"), ("user", "Bye")]
            .map { ChatMessage(role: $0.0, content: $0.1) }
        #expect(Transcript.messages(of: text) == expected)
        #expect(Transcript.messages(of: "Human: x\n\nAssistant: y").map(\.role) == ["user", "assistant"])
        #expect(Transcript.messages(of: "Be kind.\n\nHuman: x\n\nAssistant:").map(\.role) == ["system", "user"])
        #expect(Transcript.matches(text))
        #expect(!Transcript.matches("What does '\n\nAssistant:' mean?"))
    }
}

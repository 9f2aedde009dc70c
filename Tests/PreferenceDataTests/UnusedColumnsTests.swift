import Foundation
import PreferenceData
import Testing

@Suite("Columns and keys that no stage reads")
struct UnusedColumnsTests {
    private static let turn = #"[{"role": "user", "content": "Where is the cat?"}]"#
    private static let system = #"{"role": "system", "content": "Be kind."}"#

    private func failure<Record: DatasetRecord>(_ line: String, as: Record.Type) -> String {
        message { _ = try withFile(line) { try Dataset<Record>(reading: [$0]) } }
    }

    private func dataset<Record: DatasetRecord>(_ line: String, as: Record.Type) throws -> Dataset<Record> {
        try withFile(line) { try Dataset<Record>(reading: [$0]) }
    }

    @Test(
        "A pair of texts whose prompt has another name is refused, with the column that looks like it",
        arguments: [
            (#""query": "q""#, "'query' looks like the prompt, which is read from 'prompt' alone: rename the column"),
            (#""userPrompt": "q""#, "'userPrompt' looks"), (#""Prompt": "q""#, "'Prompt' looks"),
            (#""query": "q", "context": "i""#, "'query', 'context' look like the prompt"),
            (#""prompt": null"#, "'prompt' is null"), (#""prompt": null, "input": "q""#, "'input' looks"),
        ])
    func promptsUnderOtherNames(columns: String, clue: String) {
        let line = "{\(columns), \"chosen\": \"It is four.\", \"rejected\": \"It is five.\"}"
        for text in [
            failure(line, as: PreferencePair.self), failure(line, as: PromptCompletion.self),
            failure(line, as: Prompt.self),
        ] {
            #expect(text.contains("data.jsonl:1: ") && text.contains(clue), "\(text)")
        }
    }

    @Test(
        "What would be lost is refused, wherever it stands",
        arguments: [
            (#""functions": [{"name": "f"}], "#, "'functions'"), (#""tool_calls": "[{}]", "#, "'tool_calls'"),
            (#""images": ["a.png"], "#, "'images'"), (#""reasoning_content": "Hm.", "#, "'reasoning_content'"),
            (#""history": [["a", "b"]], "#, "'history' is not in the prompt"),
        ])
    func refusedColumns(column: String, clue: String) {
        let pair = "{\(column)\"prompt\": \(Self.turn), \"chosen\": \"c\", \"rejected\": \"r\"}"
        let completion = "{\(column)\"prompt\": \"q\", \"completion\": \"c\"}"
        for text in [
            failure(pair, as: PreferencePair.self), failure(completion, as: PromptCompletion.self),
            failure(pair, as: Prompt.self), failure(completion, as: Prompt.self),
        ] {
            #expect(text.contains("data.jsonl:1: ") && text.contains(clue), "\(text)")
        }
    }

    @Test("A column of text of any name beside a prompt that no column names is remarked on; what describes is not")
    func otherTexts() throws {
        let pair = #""chosen": "It is four.", "rejected": "It is five.""#
        let task = try dataset("{\"task\": \"Add two and two.\", \(pair)}", as: PreferencePair.self)
        #expect(
            task.remarks.texts.contains {
                $0.contains("'task' is not in the prompt of 1 examples, and no model reads it")
            })
        for column in [#""source": "a b""#, #""task": "math""#, #""task": 5"#, #""task": "It is""#] {
            let read = try dataset("{\(column), \(pair)}", as: PreferencePair.self)
            #expect(!read.remarks.texts.contains { $0.contains("no model reads it") }, "\(column)")
        }
    }

    @Test("A pair of which one response repeats the prompt is remarked on and read as it is")
    func onePromptRepeated() throws {
        let line = #"{"prompt": "Where is the cat?", "chosen": "Where is the cat? On it.", "rejected": " No."}"#
        let read = try dataset(line, as: PreferencePair.self)
        #expect(read.records[0].chosen == .text("Where is the cat? On it."))
        #expect(read.remarks.texts.contains { $0.contains("in 1 pairs one response repeats its prompt") })
    }

    @Test(
        "A completion that is null, or has no question, is said to be so",
        arguments: [
            (#"{"prompt": "q", "completion": null}"#, "'completion' is null"), (#"{"text": null}"#, "'text' is null"),
            (#"{"messages": [{"role": "assistant", "content": "a"}]}"#, "'messages' is an answer alone"),
            (
                #"{"prompt": "q", "completion": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]}"#,
                "'completion' is a conversation with its prompt"
            ),
        ])
    func completionsOfNothing(line: String, clue: String) {
        #expect(failure(line, as: PromptCompletion.self).contains("data.jsonl:1: \(clue)"))
    }

    @Test("A list of records under one key is told how to write")
    func listOfRecords() {
        let records = #"{"items": [{"prompt": "q", "completion": "c"}]}"#
        #expect(failure(records, as: PromptCompletion.self).contains("jq -c '.items[]'"))
    }

    @Test(
        "Keys of a message that no template writes are refused",
        arguments: [#""content": "c", "function_call": {"name": "f"}"#, #""content": "c", "images": ["a.png"]"#])
    func refusedKeys(keys: String) throws {
        let answer = "{\"role\": \"assistant\", \(keys)}"
        let line = "{\"messages\": [\(Self.turn.dropFirst().dropLast()), \(answer)]}"
        #expect(failure(line, as: PromptCompletion.self).contains("data.jsonl:1: 'messages'[1] has '"))
        let harmless = line.replacing(keys, with: #""content": "c", "tool_calls": [], "thinking": null, "name": "x""#)
        #expect(try dataset(harmless, as: PromptCompletion.self).remarks.texts.isEmpty)
    }

    @Test("A label that says false is refused where the answer would be learnt, and a completion is no pair")
    func labels() throws {
        for label in [#""label": false"#, #""label": "False""#, #""kto_tag": false"#] {
            let line = "{\"prompt\": \"q\", \"completion\": \"c\", \(label)}"
            #expect(
                failure(line, as: PromptCompletion.self).contains(
                    "not one to learn from; take such rows out, or give them to a kto stage"))
            #expect(try dataset(line, as: Prompt.self).records.count == 1)
        }
        for label in [#""label": true"#, #""label": 0"#] {
            _ = try dataset("{\"prompt\": \"q\", \"completion\": \"c\", \(label)}", as: PromptCompletion.self)
        }
        let text = failure(#"{"prompt": "q", "completion": "c", "label": true}"#, as: PreferencePair.self)
        #expect(text.contains("are no pairs: join a good and a bad answer to a prompt, or give them to a kto stage"))
        let weight =
            #"{"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a", "weight": 0}]}"#
        #expect(failure(weight, as: PromptCompletion.self).contains("marked as not to be learnt"))
    }

    @Test("What only describes a record, or is in the prompt already, is passed over without a word")
    func harmless() throws {
        let lines = [
            #"{"chosen": "a b", "rejected": "a c", "question_id": "7", "source": "x", "prompt_length": 3}"#,
            "{\"prompt\": \"Where is the cat?\", \"prompt_id\": \"x\", \"messages\": \(Self.turn), \"score\": 1, \"chosen\": \"c\", "
                + "\"rejected\": \"r\"}",
            "{\"system\": \"Be kind.\", \"prompt\": [\(Self.system), \(Self.turn.dropFirst()), \"chosen\": \"c\", \"rejected\": \"r\"}",
            #"{"system": "", "prompt": "q", "chosen": "c", "rejected": "r", "tools": [], "images": null, "history": []}"#,
            #"{"system": "Be kind.", "question": "Why?", "prompt": "Be kind. Why?", "chosen": "c", "rejected": "r"}"#,
        ]
        for (place, line) in lines.enumerated() {
            let remarks = try dataset(line, as: PreferencePair.self).remarks.texts
            let expected = place == 0 ? ["1 prompts taken from what chosen and rejected share (the first: "] : []
            #expect(
                remarks.count == expected.count && zip(remarks, expected).allSatisfy { $0.hasPrefix($1) }, "\(remarks)")
        }
    }

    @Test("What is taken as it is, or repaired, is counted with its first line")
    func remarks() throws {
        let lines = [
            #"{"prompt": "q", "chosen": "same", "rejected": "same"}"#,
            #"{"prompt": "q", "chosen": "", "rejected": "r"}"#,
            #"{"prompt": "q", "context": "c", "chosen": "a", "rejected": "b"}"#,
            #"{"prompt": "Where is the cat?", "chosen": "Where is the cat? Here.", "rejected": "Where is the cat? There."}"#,
            #"{"prompt": "Hello", "chosen": "Hello!", "rejected": "Hello?"}"#,
            #"{"prompt": "q", "chosen": "same", "rejected": "same"}"#,
        ]
        let data = try dataset(lines.joined(separator: "\n"), as: PreferencePair.self)
        for (clue, line) in [
            ("2 pairs have two equal responses", 1), ("1 examples have an empty response", 2),
            ("'context' is not in the prompt of 1 examples", 3), ("1 times responses repeated their prompt", 4),
        ] {
            #expect(
                data.remarks.texts.contains { $0.contains(clue) && $0.hasSuffix("data.jsonl:\(line))") },
                "\(clue): \(data.remarks.texts)")
        }
        #expect(data.remarks.texts.count == 4)
        #expect(data.records[3].chosen == .text(" Here.") && data.records[3].rejected == .text(" There."))
        #expect(data.records[4].chosen == .text("Hello!"))
    }
}

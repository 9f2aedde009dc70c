import Foundation
import PreferenceData
import Testing
import Tokenizers

@Suite("Answers with a label")
struct UnpairedPreferenceTests {
    private func read(_ line: String) throws -> UnpairedPreference {
        try withFile(line) { try Dataset<UnpairedPreference>(reading: [$0]).records[0] }
    }

    private func dataset(_ text: String, maxLength: Int? = nil) throws -> TokenizedDataset<TokenizedAnswer> {
        let tokenizer = try ExampleTokenizer(
            encoder: ByteEncoder(), limits: LengthLimits(maxLength: maxLength, mode: .keepStart))
        return try withFile(text) { try tokenizer.tokenize(Dataset<UnpairedPreference>(reading: [$0]).records) }
    }

    @Test("A label is read with its answer, as text, as messages, or at the end of a conversation")
    func labeled() throws {
        let text = try read(#"{"prompt": "P", "completion": " c", "label": false}"#)
        #expect(text.prompt == .text("P") && text.answers == [.init(.text(" c"), isDesirable: false)])
        let (question, answer) = (
            #"{"role": "user", "content": "Hi"}"#, #"{"role": "assistant", "content": "A"}"#
        )
        for layout in [
            #""prompt": [\#(question)], "completion": [\#(answer)]"#, #""messages": [\#(question), \#(answer)]"#,
        ] {
            let chat = try read("{\(layout), \"label\": true}")
            #expect(chat.prompt == .messages([ChatMessage(role: "user", content: "Hi")]))
            let message = ChatMessage(role: "assistant", content: "A")
            #expect(chat.answers == [.init(.messages([message]), isDesirable: true)])
        }
    }

    @Test("A pair is a desirable and an undesirable answer, and both layouts are told")
    func pairs() throws {
        let text = #"""
            {"prompt": "P", "chosen": " c", "rejected": " r"}
            {"prompt": "Q", "completion": " d", "label": false}
            {"chosen": "S a", "rejected": "S b", "label": 1, "ref_chosen_logps": -2}

            """#
        let read = try withFile(text) { try Dataset<UnpairedPreference>(reading: [$0]) }
        #expect(read.records.map { $0.answers.map(\.isDesirable) } == [[true, false], [false], [true, false]])
        let told = read.remarks.texts.joined(separator: "; ")
        #expect(told.contains("2 preference pairs, each read as a desirable and an undesirable answer"))
        #expect(told.contains("1 rows with a label"))
        #expect(told.contains("warning: 'ref_chosen_logps' of 1 rows is not read: such sums are computed"))
        let tokens = try dataset(text).examples
        #expect(tokens.map(\.index) == [0, 1, 2, 3, 4] && tokens.map(\.record) == [0, 0, 1, 2, 2])
        #expect(tokens[1].completion == bytes(" r") + [2] && tokens[1].prompt == bytes("P"))
    }

    @Test("Indices stay apart where an answer is dropped")
    func dropped() throws {
        let found = try dataset(
            #"""
            {"prompt": "", "chosen": "", "rejected": "r"}
            {"prompt": "Q", "completion": "d", "label": true}

            """#)
        #expect(found.examples.map(\.index) == [1, 2] && found.examples.map(\.record) == [0, 1])
        #expect(found.summary.records == 3 && found.summary.dropped == 1)
    }

    @Test(
        "A row without a label, or with one of another kind, is refused with a way out",
        arguments: [
            (#"{"prompt": "P", "completion": "c"}"#, "it has no 'label'; write true for a desirable answer"),
            (#"{"prompt": "P", "completion": "c", "kto_tag": true}"#, "it has no 'label'; rename 'kto_tag' to 'label'"),
            (#"{"prompt": "P", "completion": "c", "label": 0}"#, "'label' is 0, not true or false; write false in its"),
            (#"{"prompt": "P", "completion": "c", "label": "True"}"#, "'label' is the text 'True', not true or false"),
            (
                #"{"prompt": "P", "completion": "c", "label": "good"}"#,
                "'label' is a string; write true for a desirable"
            ),
            (#"{"prompt": "P", "completion": "c", "label": 0.5}"#, "'label' is a number; write true for a desirable"),
            (#"{"prompt": "P", "completion": "c", "label": null}"#, "'label' is null; write true for a desirable"),
            (#"{"completion": "c", "label": true}"#, "no field 'prompt'"),
            (#"{"text": "c", "label": true}"#, "an answer with a label needs 'prompt', 'completion' and 'label'"),
            (#"{"prompt": "P", "chosen": "c", "label": true}"#, "'label' stands beside 'chosen' and 'rejected'"),
            (#"{"prompt": "P", "chosen": "c"}"#, "a pair needs 'chosen' and 'rejected'"),
            (
                #"{"prompt": "P", "completion": "c", "chosen": "c", "label": true}"#,
                "'chosen' stands beside 'completion'; leave the one or the other out"
            ),
        ])
    func refused(line: String, reason: String) {
        let found = message { _ = try read(line) }
        #expect(found.contains(reason) && found.contains("data.jsonl:1"), "\(found)")
    }

    @Test(
        "Mismatched completions go round all answers, none by its own prompt, as the seed says", arguments: [2, 3, 17])
    func mismatched(count: Int) {
        let answers = (0..<count).map { index in
            TokenizedAnswer(
                index: index, record: index, prompt: [7, Int32(index)], completion: [Int32(index), 1, 2],
                isDesirable: true)
        }
        let found = answers.mismatched(seed: 5, maxLength: 4)
        #expect(Set(found.map { $0.mismatched[0] }) == Set((0..<Int32(count))))
        #expect(found.allSatisfy { $0.mismatched[0] != $0.completion[0] && $0.mismatched.count == 2 })
        #expect(found == answers.mismatched(seed: 5, maxLength: 4))
        #expect(count < 4 || found != answers.mismatched(seed: 6, maxLength: 4))
        #expect(
            answers.mismatched(with: Array((0..<count).reversed()), maxLength: nil)[0].mismatched[0] == Int32(count - 1)
        )
    }
}

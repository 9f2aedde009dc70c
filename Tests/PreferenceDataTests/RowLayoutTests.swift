import JSON
import PreferenceData
import Testing
import Tokenizers

@Suite("Layouts of well-used datasets")
struct RowLayoutTests {
    private static let question = #"{"role": "user", "content": "Q?"}"#
    private static let yes = #"{"role": "assistant", "content": "Yes."}"#
    private static let no = #"{"role": "assistant", "content": "No."}"#
    private static let chat = Content.messages([ChatMessage(role: "user", content: "Q?")])
    private static let chatWithSystem = Content.messages([
        ChatMessage(role: "system", content: "Be kind."), ChatMessage(role: "user", content: "Q?"),
    ])

    private static func answer(_ text: String) -> Content { .messages([ChatMessage(role: "assistant", content: text)]) }

    private func read<Record: DatasetRecord>(_ line: String, as: Record.Type) throws -> Dataset<Record> {
        try withFile(line) { try Dataset<Record>(reading: [$0]) }
    }

    @Test(
        "Pairs are read as turns, and the log names their layout",
        arguments: [
            (
                #""system": "Be kind.", "question": "Q?", "chosen": "Yes.", "rejected": "No.""#, true,
                "questions ('question')"
            ),
            (#""system": "Be kind.", "input": "Q?", "chosen": "Yes.", "rejected": "No.""#, true, "('system', 'input')"),
            (#""instruction": "Q?", "input": "", "chosen": "Yes.", "rejected": "No.""#, false, "Alpaca"),
            (
                #""instruction": "Q?", "chosen_response": "Yes.", "rejected_response": "No.""#, false,
                "'chosen_response'"
            ),
            (
                #""conversations": [{"from": "human", "value": "Q?"}], "chosen": {"from": "gpt", "value": "Yes."}, "#
                    + #""rejected": {"from": "gpt", "value": "No."}"#, false, "ShareGPT's turns"
            ),
            ("\"messages\": [\(question)], \"chosen\": \(yes), \"rejected\": \(no)", false, "a prompt in 'messages'"),
            (
                #""prompt": "Q?", "chosen": [{"from": "human", "value": "Q?"}, {"from": "gpt", "value": "Yes."}], "#
                    + #""rejected": [{"from": "human", "value": "Q?"}, {"from": "gpt", "value": "No."}]"#, false,
                "ShareGPT's turns"
            ),
            (
                "\"prompt\": [\(question)], \"chosen\": [\(question), \(yes)], \"rejected\": [\(question), \(no)]",
                false,
                "repeat their prompt's turns"
            ),
            ("\"prompt\": \"Q?\", \"chosen\": [\(yes)], \"rejected\": [\(no)]", false, "answers as turns"),
            (
                "\"system\": \"Be kind.\", \"prompt\": \"Q?\", \"chosen\": [\(question), \(yes)], "
                    + "\"rejected\": [\(question), \(no)]", true, "a system message in a column"
            ),
            (
                #""prompt": "Q?", "response_0": "No.", "response_1": "Yes.", "better_response_id": 1"#, false,
                "PKU-SafeRLHF"
            ),
            (
                "\"context\": [\(question)], \"response1\": \"Yes.\", \"response2\": \"No.\", \"overall_preference\": -2",
                false, "HelpSteer3"
            ),
            (
                #""prompt": "Q?", "response_1": "No.", "response_2": "Yes.", "preference_strength": 1"#, false,
                "HelpSteer2's preferences"
            ),
            (#""history": "Q?", "human_ref_A": "No.", "human_ref_B": "Yes.", "labels": 0"#, false, "SHP"),
            (
                #""info": {"post": "Q?"}, "summaries": [{"text": "No."}, {"text": "Yes."}], "choice": 1"#, false,
                "TL;DR comparisons"
            ),
        ])
    func pairs(columns: String, hasSystem: Bool, name: String) throws {
        let read = try read("{\(columns), \"score\": 3}", as: PreferencePair.self)
        let pair = read.records[0]
        #expect(pair.prompt == (hasSystem ? Self.chatWithSystem : Self.chat))
        let (chosen, rejected) = (pair.chosen.json.strings, pair.rejected.json.strings)
        #expect(chosen == ["Yes."] && rejected == ["No."])
        #expect(pair.fields["score"] == .number(3))
        #expect(read.remarks.texts.contains { $0.contains("1 rows in the layout of ") && $0.contains(name) })
    }

    @Test(
        "Answers are read as turns, and prompts alone where those are asked for",
        arguments: [
            #""instruction": "Q?", "input": "", "output": "Yes.""#, #""question": "Q?", "answer": "Yes.""#,
            #""conversations": [{"from": "human", "value": "Q?"}, {"from": "gpt", "value": "Yes."}]"#,
            #""messages": [{"role": "human", "content": "Q?"}, {"role": "gpt", "content": "Yes."}]"#,
        ])
    func answers(columns: String) throws {
        let completion = try read("{\(columns)}", as: PromptCompletion.self).records[0]
        #expect(completion.prompt == Self.chat && completion.completion == Self.answer("Yes."))
        #expect(try read("{\(columns)}", as: Prompt.self).records[0].prompt == Self.chat)
    }

    @Test("A column that rules compare with stays, and a response beside a prompt as text is text")
    func keptColumns() throws {
        let sum = try read(#"{"question": "2 + 2?", "answer": "4"}"#, as: Prompt.self).records[0]
        #expect(sum.fields["answer"] == .string("4"))
        let text = try read(#"{"prompt": "Q? ", "response": "Yes."}"#, as: PromptCompletion.self).records[0]
        #expect(text.prompt == .text("Q? ") && text.completion == .text("Yes."))
        #expect(try read(#"{"prompt": "Q? ", "response": "Yes."}"#, as: Prompt.self).records[0].prompt == .text("Q? "))
    }

    @Test("A row keeps its own columns, and one that says more than a question is not taken for one")
    func otherColumns() throws {
        let line = #"{"system": "Be kind.", "question": "Q?", "chosen": "Yes.", "rejected": "No."}"#
        let pair = try read(line, as: PreferencePair.self).records[0]
        #expect(pair.fields["question"] == .string("Q?") && pair.fields["system"] == .string("Be kind."))
        // Written back and read again, it is the same pair.
        let again = try read(JSON.object(pair.fields).line, as: PreferencePair.self).records[0]
        #expect(again.prompt == pair.prompt && again.chosen == pair.chosen)
        for other in [#""options": ["A", "B"]"#, #""article": "Long.""#, #""choices": {"text": ["a"]}"#] {
            let line = "{\"question\": \"Q?\", \"answer\": \"A\", \(other)}"
            #expect(message { _ = try read(line, as: PromptCompletion.self) }.contains("needs 'prompt'"), "\(other)")
        }
        let unsafe = #"{"prompt": "Q?", "response": "Bad.", "is_safe": false}"#
        #expect(message { _ = try read(unsafe, as: PromptCompletion.self) }.contains("needs 'prompt' and 'completion'"))
        let response = try read(#"{"prompt": "Q?", "response": "Yes."}"#, as: Prompt.self).records[0]
        #expect(response.fields["response"] == .string("Yes."))
    }

    @Test("An instruction's input follows it on a line of its own")
    func input() throws {
        let line = #"{"instruction": "Add.", "input": "2 and 2", "output": "4"}"#
        let prompt = try read(line, as: PromptCompletion.self).records[0].prompt
        #expect(prompt == .messages([ChatMessage(role: "user", content: "Add.\n2 and 2")]))
    }

    @Test("Columns with names of their own are read by those, and one that is not there is named")
    func namedColumns() throws {
        let line = #"{"q": "Q?", "good": "Yes.", "bad": "No.", "sys": "Be kind.", "prompt": "unused"}"#
        let names = ColumnNames(["prompt": "q", "chosen": "good", "rejected": "bad", "system": "sys"])
        let read = try withFile(line) { try Dataset<PreferencePair>(reading: [$0], columns: names) }
        #expect(read.records[0].prompt == Self.chatWithSystem && read.records[0].chosen.json.strings == ["Yes."])
        let other = #"{"q": "Q?", "good": "Yes."}"#
        let text = message { _ = try withFile(other) { try Dataset<PreferencePair>(reading: [$0], columns: names) } }
        #expect(
            text.contains("data.jsonl:1: has no column 'bad', from which dataset.columns takes rejected"), "\(text)")
        // What a stage of the run left has them already.
        let left = #"{"prompt": "P ", "chosen": "c", "rejected": "r"}"#
        let pair = try withFile(left) { try Dataset<PreferencePair>(reading: [$0], columns: names) }.records[0]
        #expect(pair.prompt == .text("P ") && pair.chosen == .text("c"))
    }

    @Test func `Of ranked answers the best and the worst are read, and what is known of them becomes columns`() throws {
        let answers = [("Fair.", 2), ("Yes.", 1), ("No.", 4), ("Poor.", 3)].map { text, rank in
            "{\"answer\": \"\(text)\", \"model\": \"m\(rank)\", \"rank\": \(rank).0}"
        }
        let prompt = #""prompt": "\n\nHuman: Q?\n\nAssistant: ""#
        let line = "{\(prompt), \"answers\": [\(answers.joined(separator: ", "))], \"turns\": 1}"
        let read = try read(line, as: PreferencePair.self)
        let pair = read.records[0]
        #expect(pair.prompt == .text("\n\nHuman: Q?\n\nAssistant:"))
        #expect(pair.chosen == .text(" Yes.") && pair.rejected == .text(" No."))
        #expect(pair.fields["chosen_model"] == .string("m1") && pair.fields["rejected_rank"]?.double == 4)
        #expect(pair.fields["turns"] == .number(1))
        #expect(read.remarks.texts.contains { $0.contains("Nectar (the best of its ranked answers and the worst") })
        #expect(try self.read(line, as: PromptCompletion.self).records[0].completion == .text(" Yes."))
        #expect(try self.read("{\(prompt), \"answers\": []}", as: Prompt.self).records.count == 1)
        let without = "{\(prompt), \"answers\": [{\"answer\": \"Yes.\"}, {\"answer\": \"No.\"}]}"
        #expect(message { _ = try self.read(without, as: PreferencePair.self) }.contains("a pair needs 'chosen'"))
    }

    @Test("Of UltraFeedback's completions the best and the worst are read, with their scores")
    func ultraFeedback() throws {
        func completion(_ text: String, _ scores: String, model: String = "m") -> String {
            #"{"model": "\#(model)", "response": "\#(text)", \#(scores), "critique": "Fine words.", "#
                + #""annotations": {"honesty": {"Rating": "5"}}, "custom_system_prompt": "Be honest."}"#
        }
        func row(_ completions: [String]) -> String {
            #"{"source": "s", "instruction": "Q?", "models": ["m"], "completions": ["#
                + completions.joined(separator: ", ") + #"], "correct_answers": ["None"]}"#
        }
        let line = row([
            completion("Maybe.", #""overall_score": 5.5"#),
            completion("No.", #""overall_score": 2, "fine-grained_score": 4.75"#),
            completion("Yes.", #""overall_score": 8.5, "fine-grained_score": 1"#, model: "best"),
            completion("Yes!", #""overall_score": 8.5"#), completion("Unscored.", #""overall_score": null"#),
        ])
        let read = try self.read(line, as: PreferencePair.self)
        let pair = read.records[0]
        #expect(pair.prompt == Self.chat && pair.chosen == Self.answer("Yes.") && pair.rejected == Self.answer("No."))
        #expect(pair.fields["score_chosen"] == .number("8.5") && pair.fields["score_rejected"] == .number("2"))
        #expect(
            pair.fields["chosen_model"] == .string("best")
                && pair.fields["rejected_fine-grained_score"] == .number("4.75"))
        #expect(
            read.remarks.texts.count == 1 && read.remarks.texts[0].contains("UltraFeedback (of the scored completions"))
        #expect(try self.read(line, as: PromptCompletion.self).records[0].completion == Self.answer("Yes."))
        #expect(try self.read(line, as: Prompt.self).records[0].prompt == Self.chat)
        let means = row([
            completion("No.", #""fine-grained_score": 1.5"#), completion("Yes.", #""fine-grained_score": 3"#),
        ])
        #expect(try self.read(means, as: PreferencePair.self).records[0].chosen == Self.answer("Yes."))
        let other = #"{"instruction": "Q?", "completions": ["Yes.", "No."]}"#
        #expect(message { _ = try self.read(other, as: PreferencePair.self) }.contains("a pair needs 'chosen'"))
    }

    @Test(
        "Answers of which none is better are left out, and their prompt is read where no answer is asked for",
        arguments: [
            "\"context\": [\(question)], \"response1\": \"a\", \"response2\": \"b\", \"overall_preference\": 0",
            #""prompt": "Q?", "response_1": "a", "response_2": "b", "preference_strength": 0"#,
            #""prompt": "Q?", "answers": [{"answer": "a", "rank": 1}, {"answer": "b", "rank": 1}]"#,
            #""instruction": "Q?", "completions": [{"response": "a", "overall_score": 7}, {"response": "b", "overall_score": 7.0}]"#,
            #""instruction": "Q?", "completions": [{"response": "a", "overall_score": 7}, {"response": "b", "overall_score": null}]"#,
            #""instruction": "Q?", "completions": []"#,
        ])
    func ties(columns: String) throws {
        let good = #"{"prompt": "P", "chosen": "c", "rejected": "r"}"#
        let pairs = try read("{\(columns)}\n\(good)", as: PreferencePair.self)
        #expect(pairs.records.map(\.prompt) == [.text("P")] && pairs.records[0].index == 0 && pairs.skipped == 0)
        #expect(pairs.remarks.texts.contains { $0.hasPrefix("1 prompts left out, to which no answer is better") })
        let text = message { _ = try read("{\(columns)}", as: PreferencePair.self) }
        #expect(
            text.contains("data.jsonl: no preference pairs in it: 1 prompts left out, to which no answer"), "\(text)")
        let prompt = try read("{\(columns)}", as: Prompt.self).records[0].prompt
        #expect([.text("Q?"), Self.chat].contains(prompt))
    }

    @Test("What is wrong with turns of another layout is said of the turns")
    func wrongTurns() {
        let text = message {
            _ = try withFile(#"{"conversations": [{"from": "human", "value": "q"}, {"from": "human", "value": "r"}]}"#)
            {
                try Dataset<PromptCompletion>(reading: [$0])
            }
        }
        #expect(text.contains("'messages' does not end in an answer of the role 'assistant', but of 'user'"), "\(text)")
    }

    @Test("Rows of text among rows of turns are told")
    func mixed() throws {
        let rows =
            #"{"prompt": [{"role": "user", "content": "q"}], "completion": [{"role": "assistant", "content": "a"}]}"#
        let tokenizer = try ExampleTokenizer(
            encoder: ByteEncoder(), renderer: PromptRenderer(template: BracketTemplate()))
        let summary = try withFile("\(rows)\n{\"prompt\": \"q\", \"completion\": \"a\"}") {
            try tokenizer.tokenize(Dataset<PromptCompletion>(reading: [$0]).records).summary
        }
        #expect(summary.text.contains("; 1 prompts that are text, which no chat template writes"), "\(summary.text)")
    }
}

extension JSON {
    /// The text of a response, or the contents of its turns.
    fileprivate var strings: [String] {
        switch self {
        case .string(let text): [text]
        case .array(let turns):
            turns.compactMap { if case .object(let turn) = $0 { turn["content"]?.text } else { nil } }
        default: []
        }
    }
}

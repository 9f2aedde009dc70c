import JSON
import PreferenceData
import Testing
import Tokenizers

@Suite("Rows of one answer with scores each")
struct ScoredAnswersTests {
    private static func row(_ prompt: String, _ response: String, _ helpfulness: Int, more: String = "") -> String {
        "{\"prompt\": \"\(prompt)\", \"response\": \"\(response)\", \"helpfulness\": \(helpfulness), \"verbosity\": 1\(more)}"
    }

    private func read<Record: DatasetRecord>(
        _ rows: [String], limit: Int? = nil, onBadRecord: BadRecordPolicy = .fail, as: Record.Type
    ) throws -> Dataset<Record> {
        try withFile(rows.joined(separator: "\n")) {
            try Dataset<Record>(reading: [$0], onBadRecord: onBadRecord, limit: limit)
        }
    }

    private static let rows = [
        row("a", "good", 4, more: #", "id": "x", "by": "m1""#), row("a", "bad", 1, more: #", "id": "x", "by": "m2""#),
        row("b", "one", 2), row("b", "two", 2), row("c", "poor", 0), row("c", "fair", 2), row("c", "best", 3),
        row("d", "alone", 4),
    ]

    @Test func `The most and the least helpful of neighbours with one prompt are a pair, and the rest is told`() throws
    {
        let read = try read(Self.rows, as: PreferencePair.self)
        #expect(read.records.map { $0.prompt.text } == ["a", "c"])
        #expect(read.records.map { $0.chosen.text } == ["good", "best"])
        #expect(read.records.map { $0.rejected.text } == ["bad", "poor"])
        #expect(read.records.map(\.source.line) == [1, 5] && read.records.map(\.index) == [0, 1])
        #expect(
            read.remarks.texts.map { $0.prefix { $0 != "(" } } == [
                "2 rows in the layout of HelpSteer2 ", "1 prompts left out, to which no answer is better than another ",
                "warning: 1 answers left out, next to which none to the same prompt stands ",
            ])
    }

    @Test func `Scores, and what differs between both answers, become columns of each`() throws {
        let fields = try read(Self.rows, limit: 1, as: PreferencePair.self).records[0].fields
        #expect(fields["chosen_helpfulness"] == .number(4) && fields["rejected_helpfulness"] == .number(1))
        #expect(fields["chosen_verbosity"] == .number(1) && fields["rejected_verbosity"] == .number(1))
        #expect(fields["id"] == .string("x") && fields["chosen_by"] == .string("m1"))
        #expect(fields["rejected_by"] == .string("m2") && fields["helpfulness"] == nil && fields["response"] == nil)
        // Written back and read again, it is the same pair.
        let again = try read([JSON.object(fields).line], as: PreferencePair.self).records[0]
        #expect(again.chosen.text == "good" && again.fields["rejected_helpfulness"] == .number(1))
    }

    @Test func `A prompt is read once, and the better answer is the one to learn`() throws {
        #expect(try read(Self.rows, as: Prompt.self).records.map { $0.prompt.text } == ["a", "b", "c", "d"])
        #expect(try read(Self.rows, as: PromptCompletion.self).records.map { $0.completion.text } == ["good", "best"])
        let labeled = try read(Self.rows, as: UnpairedPreference.self).records
        #expect(labeled.map { $0.answers.map(\.completion.text) } == [["good", "bad"], ["best", "poor"]])
    }

    @Test func `Answers under another system message are of another prompt, and a label makes each row an answer`()
        throws
    {
        let rows = [("x", 3), ("y", 1)].map { system, score in
            Self.row("a", system, score, more: ", \"system\": \"\(system)\"")
        }
        #expect(message { _ = try read(rows, as: PreferencePair.self) }.contains("{completion: response}"))
        let pair = try read(rows + [Self.row("a", "z", 0, more: #", "system": "y""#)], as: PreferencePair.self).records
        #expect(pair.map { $0.chosen.text } == ["y"])
        let labeled = [true, false].map { Self.row("a", "\($0)", 1, more: ", \"label\": \($0)") }
        let answers = try read(labeled, as: UnpairedPreference.self).records
        #expect(answers.map { $0.answers.map(\.isDesirable) } == [[true], [false]])
    }

    @Test func `Other rows and the end of a file end those of a prompt`() throws {
        let pair = #"{"prompt": "p", "chosen": "c", "rejected": "r"}"#
        let rows = [Self.rows[0], Self.rows[1], pair, Self.rows[0], "{}", Self.rows[1], pair]
        let read = try read(rows, onBadRecord: .skip, as: PreferencePair.self)
        #expect(read.records.map(\.source.line) == [1, 3, 7] && read.skipped == 1)
        #expect(read.remarks.texts.contains { $0.hasPrefix("warning: 2 answers left out") })
        #expect(message { _ = try self.read(rows, as: PreferencePair.self) }.contains("data.jsonl:5: a pair needs"))
        #expect(try self.read(rows, limit: 2, as: PreferencePair.self).records.map(\.source.line) == [1, 3])
        let two = try withFile(Self.rows[0], named: "1.jsonl") { first in
            try withFile([Self.rows[1], pair].joined(separator: "\n"), named: "2.jsonl") { second in
                try Dataset<PreferencePair>(reading: [first, second])
            }
        }
        #expect(two.records.map { $0.prompt.json } == [.string("p")])
        let none = message { _ = try self.read([Self.rows[7]], as: PreferencePair.self) }
        #expect(none.contains("data.jsonl: no preference pairs in it: 1 answers left out, next to which"), "\(none)")
    }

    @Test func `Turns inside a prompt become turns`() throws {
        func prompt(_ text: String) throws -> Content {
            try read([Self.row(text, "good", 4), Self.row(text, "bad", 1)], as: PreferencePair.self).records[0].prompt
        }
        let turns = try prompt(#"Hi\n<extra_id_1>Assistant\nHello\nyou\n<extra_id_1>User\nBye\n"#)
        let expected = [("user", "Hi"), ("assistant", "Hello\nyou"), ("user", "Bye\n")]
        #expect(turns == .messages(expected.map { ChatMessage(role: $0, content: $1) }))
        for text in [#"a<extra_id_1>Judge\nb"#, #"a<extra_id_1>Assistant\nb"#] {
            #expect(try prompt(text).text == text.replacing(#"\n"#, with: "\n"))
        }
    }
}

extension Content {
    /// The text of a single message, or of no messages.
    fileprivate var text: String? {
        switch self {
        case .text(let text): text
        case .messages(let messages): messages.count == 1 ? messages[0].content : nil
        }
    }
}

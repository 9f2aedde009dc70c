import JSON
import PreferenceData
import Testing
import Tokenizers

@Suite("A row's other columns, and prefixes of its prompt")
struct RowColumnsTests {
    @Test("What a layout reads is no other column, and what tells of responses does not go with new ones")
    func columns() throws {
        let keys = [
            "id", "prompt", "completion", "chosen", "rejected", "messages", "answer", "score_chosen",
            "ref_Rejected_logps",
            "margin", "label", "score", "original_chosen", "level",
        ]
        let row = JSONObject(uniqueKeysWithValues: keys.enumerated().map { ($1, .number($0)) })
        #expect(row.otherColumns.keys == ["id"] + keys[6...])
        #expect(row.promptColumns.keys == ["id", "answer", "level"])
        let line = JSONObject(uniqueKeysWithValues: [("prompt", .string("p")), ("id", .null)])
        #expect(line.extended(by: row.promptColumns).keys == ["prompt", "id", "answer", "level"])
        #expect(line.extended(by: row)["id"] == .null)
    }

    @Test(
        "A prefix stands in front of a text, or of what a transcript or conversation asks last",
        arguments: [
            ("Q: 1", "[G]Q: 1"), ("", "[G]"),
            (
                "\n\nHuman: Hi\n\nAssistant: Hello\n\nHuman: Why?\n\nAssistant:",
                "\n\nHuman: Hi\n\nAssistant: Hello\n\nHuman: [G]Why?\n\nAssistant:"
            ),
            ("Human: Hi\n\nAssistant:", "Human: [G]Hi\n\nAssistant:"),
        ])
    func texts(text: String, expected: String) {
        #expect(Content.text(text).prefixed(by: "[G]") == .text(expected))
        #expect(Content.text(text).prefixed(by: "") == .text(text))
    }

    @Test("Of messages it is the user's last, an answer that goes on behind it or not")
    func messages() {
        let turn = { (role: String, text: String) in ChatMessage(role: role, content: text) }
        let asked = [turn("system", "s"), turn("user", "a"), turn("assistant", "b"), turn("user", "c")]
        let expected = Array(asked.dropLast()) + [turn("user", "[G]c")]
        #expect(Content.messages(asked).prefixed(by: "[G]") == .messages(expected))
        let begun = [turn("assistant", "d")]
        #expect(Content.messages(asked + begun).prefixed(by: "[G]") == .messages(expected + begun))
        #expect(Content.messages([turn("tool", "t")]).prefixed(by: "[G]") == .messages([turn("tool", "[G]t")]))
    }
}

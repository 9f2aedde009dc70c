import Foundation
import JSON
import PreferenceData
import TestSupport
import Testing

@Suite("A pair whose chosen response is edited")
struct EditedPairTests {
    private func pair(_ line: String) throws -> PreferencePair {
        guard case .object(let fields) = try JSON(parsing: line) else { throw DataError.missing(path: line) }
        var remarks: [RecordRemark] = []
        return try PreferencePair(
            fields: fields, index: 0, source: RecordSource(file: "a.jsonl", line: 1), remarks: &remarks)
    }

    @Test(
        "In every layout it is read again with the same prompt and losing answer, and the edited one for the chosen",
        arguments: [
            #"{"prompt": "How are you?", "chosen": " Well.", "rejected": " Ill."}"#,
            #"{"chosen": "How are you? Well.", "rejected": "How are you? Ill."}"#,
            #"{"prompt": "How are you now?", "chosen": "How are you now? Well.", "rejected": "How are you now? Ill."}"#,
            #"{"chosen": "\n\nHuman: Hi\n\nAssistant: Well.", "rejected": "\n\nHuman: Hi\n\nAssistant: Ill."}"#,
            #"""
            {"prompt": [{"role": "user", "content": "Hi"}], "chosen": [{"role": "assistant", "content": "Well."}], \#
            "rejected": [{"role": "assistant", "content": "Ill."}]}
            """#,
            #"""
            {"prompt": "Hi", "chosen": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Well."}], \#
            "rejected": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Ill."}]}
            """#,
            // An answer that both begin with is whole, and would be continued at the end of a prompt.
            #"""
            {"chosen": [{"role": "assistant", "content": "Hi"}, {"role": "user", "content": "Well."}], \#
            "rejected": [{"role": "assistant", "content": "Hi"}, {"role": "user", "content": "Ill."}]}
            """#,
        ])
    func layouts(line: String) throws {
        let pair = try pair(line)
        let edited = pair.response(" Fine.")
        let again = try self.pair(JSON.object(pair.fields(choosing: edited)).line)
        #expect(again.prompt == pair.prompt && again.rejected == pair.rejected && again.chosen == edited)
        if case .messages(let messages) = pair.prompt, case .messages(let others) = again.prompt {
            #expect(messages.last?.role == "user" || others.last?.isFinished == true)
        }
        #expect(again.fields["original_chosen"] != nil)
    }

    @Test("Columns of the chosen answer keep what they said under another name, once; others pass through")
    func columns() throws {
        let pair = try pair(
            #"""
            {"id": 7, "prompt": "p", "chosen": "c", "rejected": "r", "chosen_reward": 2, "helpful_chosen": 3, \#
            "helpful_rejected": 1, "gap": 1, "ref_chosen_logps": -4, "ref_rejected_logps": -5, "tag": ["x"]}
            """#)
        let once = pair.fields(choosing: .text("e"))
        #expect(
            JSON.object(once).line == #"""
                {"prompt": "p", "chosen": "e", "rejected": "r", "id": 7, "original_chosen": "c", \#
                "original_chosen_reward": 2, "original_helpful_chosen": 3, "helpful_rejected": 1, "original_gap": 1, \#
                "original_ref_chosen_logps": -4, "original_ref_rejected_logps": -5, "tag": ["x"]}
                """#)
        let twice = try self.pair(JSON.object(once).line).fields(choosing: .text("f"))
        #expect(twice["chosen"] == .string("f") && twice["original_chosen"] == .string("c"))
        #expect(twice.keys == once.keys)
    }
}

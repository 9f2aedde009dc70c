import Foundation
import JSON
import PreferenceData
import TestSupport
import Tokenizers

/// One token a byte, from 10 on; optionally with BOS (1) in front of a text or EOS behind it, and `</s>` as EOS (2).
struct ByteEncoder: TextEncoder {
    var addsBOS = false
    var addsEOS = false
    var trailingTokenIDs: [Int32] { addsEOS ? [2] : [] }
    var bosTokenID: Int32? { 1 }
    var eosTokenID: Int32? { 2 }

    func encode(_ text: String, addSpecialTokens: Bool) -> [Int32] {
        var ids: [Int32] = addSpecialTokens && addsBOS ? [1] : []
        var rest = Substring(text)
        while let character = rest.first {
            if let special = ["<s>": Int32(1), "</s>": 2].first(where: { rest.hasPrefix($0.key) }) {
                ids.append(special.value)
                rest = rest.dropFirst(special.key.count)
            } else {
                ids += String(character).utf8.map { Int32($0) + 10 }
                rest = rest.dropFirst()
            }
        }
        return addSpecialTokens ? ids + trailingTokenIDs : ids
    }
}

/// One token a byte, except that "ab" is a single token: a merge that can cross the seam of prompt and response.
struct MergingEncoder: TextEncoder {
    var bosTokenID: Int32? { nil }
    var eosTokenID: Int32? { 2 }

    func encode(_ text: String, addSpecialTokens: Bool) -> [Int32] {
        var ids: [Int32] = []
        for byte in text.utf8 {
            if byte == UInt8(ascii: "b"), ids.last == Int32(UInt8(ascii: "a")) {
                ids[ids.count - 1] = 1000
            } else {
                ids.append(Int32(byte))
            }
        }
        return ids
    }
}

/// A template in Jinja, without special tokens.
struct WrittenTemplate: ChatRenderer {
    private var template: ChatTemplate

    init(_ template: ChatTemplate) { self.template = template }

    func render(_ messages: [ChatMessage], addGenerationPrompt: Bool) throws -> String {
        try template.render(messages, addGenerationPrompt: addGenerationPrompt, specialTokens: SpecialTokens())
    }

    func told(_ variables: JSONObject) -> Self {
        var told = self
        told.template.rowVariables = variables
        return told
    }

    func renderMarked(_ messages: [ChatMessage]) throws -> (text: String, generations: [Range<Int>])? {
        template.marksAnswers ? try template.renderMarked(messages, specialTokens: SpecialTokens()) : nil
    }
}

/// Templates that have no variables and no marks.
extension ChatRenderer {
    func told(_ variables: JSONObject) -> Self { self }
    func renderMarked(_ messages: [ChatMessage]) throws -> (text: String, generations: [Range<Int>])? { nil }
}

/// `[role]content</s>` and a line break for each message, `[assistant]` as generation prompt.
struct BracketTemplate: ChatRenderer {
    var start = ""
    var takesSpecialTokens = false

    func render(_ messages: [ChatMessage], addGenerationPrompt: Bool) throws -> String {
        start + messages.map { "[\($0.role)]\($0.content)</s>\n" }.joined() + (addGenerationPrompt ? "[assistant]" : "")
    }
}

func bytes(_ text: String) -> [Int32] { text.utf8.map { Int32($0) + 10 } }

/// Writes `text` as a file and hands its place to `body`.
func withFile<Result>(_ text: String, named name: String = "data.jsonl", _ body: (URL) throws -> Result) throws
    -> Result
{
    try withFile(Data(text.utf8), named: name, body)
}

func withFile<Result>(_ data: Data, named name: String = "data.jsonl", _ body: (URL) throws -> Result) throws -> Result
{
    try TestSupport.withTemporaryDirectory { directory in
        let file = directory.appending(path: name)
        try data.write(to: file)
        return try body(file)
    }
}

/// The message of the error that `body` throws.
func message(_ body: () throws -> Void) -> String {
    do {
        try body()
        return "nothing was thrown"
    } catch {
        return "\(error)"
    }
}

extension RecordSource {
    static let nowhere = RecordSource(file: "made", line: 1)
}

extension SplitMix64 {
    /// A number in [0, 1).
    mutating func uniform() -> Double { Double(next() >> 11) * 0x1p-53 }

    /// Text of letters, escapes, line breaks, combining marks and emoji.
    mutating func text(_ length: Int) -> String {
        let alphabet: [Unicode.Scalar] = [
            "a", "B", " ", "\n", "\r", "\t", "\"", "\\", "/", "\u{0}", "\u{1F}", "\u{7F}", "é",
            "e\u{301}".unicodeScalars.last!,
            "日", "🙂", "\u{200D}", "\u{FFFD}", "\u{2028}", "\u{10FFFF}",
        ]
        var text = String.UnicodeScalarView()
        for _ in 0..<length { text.append(alphabet[next(below: alphabet.count)]) }
        return String(text)
    }
}

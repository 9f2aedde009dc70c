import Foundation
import PreferenceData
import TestSupport
import Testing
import Tokenizers

@Suite("Prompts that end in an answer")
struct ContinuedAnswerTests {
    private struct Fixture: Decodable {
        struct Message: Decodable {
            var role: String
            var content: String
        }
        struct Known: Decodable {
            var name: String
            var text: String
            var bos: String?
            var eos: String?
            var continued: [String?]
        }
        var prefilled: [[Message]]
        var known: [Known]
    }

    /// One token a byte, so that ids tell the text.
    private struct Known: ChatRenderer {
        var template: ChatTemplate
        var tokens: SpecialTokens
        var takesSpecialTokens: Bool { false }

        func render(_ messages: [ChatMessage], addGenerationPrompt: Bool) throws -> String {
            try template.render(messages, addGenerationPrompt: addGenerationPrompt, specialTokens: tokens)
        }
    }

    private func text(_ ids: [Int32]) -> String {
        String(
            decoding: ids.flatMap { $0 == 1 ? Array("<s>".utf8) : $0 == 2 ? Array("</s>".utf8) : [UInt8($0 - 10)] },
            as: UTF8.self)
    }

    @Test("Under every known template they are what transformers' continue_final_message makes of them, and counted")
    func likeTransformers() throws {
        let file = TestSupport.fixture("tokenizers/chat.json")
        let fixture = try JSONDecoder().decode(Fixture.self, from: Data(contentsOf: file))
        for known in fixture.known {
            let renderer = Known(
                template: try ChatTemplate(jinja: known.text),
                tokens: SpecialTokens(
                    bos: known.bos.map { .init(text: $0, id: 1) }, eos: known.eos.map { .init(text: $0, id: 2) }))
            let tokenizer = try ExampleTokenizer(encoder: ByteEncoder(), renderer: PromptRenderer(template: renderer))
            for (messages, expected) in zip(fixture.prefilled, known.continued) {
                let content = Content.messages(messages.map { ChatMessage(role: $0.role, content: $0.content) })
                let prompt = Prompt(index: 0, source: .nowhere, prompt: content)
                let data = try? tokenizer.tokenize([prompt])
                #expect(data.map { text($0.examples[0].prompt) } == expected, "\(known.name)")
                if let summary = data?.summary {
                    #expect(summary.continued == 1 && summary.text.contains("1 continue an answer"))
                }
            }
        }
    }

    @Test("A response is the rest of the answer, in the same turn, as text, as a message or in a transcript")
    func responses() throws {
        let begun = [ChatMessage(role: "user", content: "q"), ChatMessage(role: "assistant", content: "Sure, ")]
        let transcript = "\n\nHuman: q\n\nAssistant: Sure,"
        for (prompt, yes, no) in [
            (Content.messages(begun), Content.text("yes"), Content.text("no")),
            (.messages(begun), answer("yes"), answer("no")), (.text(transcript), .text(" yes"), .text(" no")),
        ] {
            let pair = PreferencePair(index: 0, source: .nowhere, prompt: prompt, chosen: yes, rejected: no)
            let renderer = PromptRenderer(template: BracketTemplate(), appliesToText: true)
            let data = try ExampleTokenizer(encoder: ByteEncoder(), renderer: renderer).tokenize([pair])
            let whole = data.examples[0].responses.map { text(data.examples[0].prompt + $0) }
            #expect(whole == ["yes", "no"].map { "[user]q</s>\n[assistant]Sure, \($0)</s>" })
            #expect(text(data.examples[0].prompt).hasPrefix("[user]q</s>\n[assistant]Sure,"))
        }
        let turned = PreferencePair(
            index: 0, source: .nowhere, prompt: .messages(begun), chosen: .messages([begun[0]]), rejected: answer("no"))
        let tokenizer = try ExampleTokenizer(
            encoder: ByteEncoder(), renderer: PromptRenderer(template: BracketTemplate()))
        #expect(message { _ = try tokenizer.tokenize([turned]) }.contains("the response does not continue it"))
    }

    @Test("Two answers in a row of a whole conversation stay two turns")
    func wholeConversations() throws {
        let turns =
            #"{"role": "user", "content": "q"}, {"role": "assistant", "content": "one"}, {"role": "assistant", "content": "#
        let line = "{\"chosen\": [\(turns)\"yes\"}], \"rejected\": [\(turns)\"no\"}]}"
        let pairs = try withFile(line) { try Dataset<PreferencePair>(reading: [$0]).records }
        let tokenizer = try ExampleTokenizer(
            encoder: ByteEncoder(), renderer: PromptRenderer(template: BracketTemplate()))
        let data = try tokenizer.tokenize(pairs)
        #expect(text(data.examples[0].prompt) == "[user]q</s>\n[assistant]one</s>\n[assistant]")
        #expect(text(data.examples[0].chosen) == "yes</s>" && data.summary.continued == 0)
    }

    private func answer(_ text: String) -> Content { .messages([ChatMessage(role: "assistant", content: text)]) }
}

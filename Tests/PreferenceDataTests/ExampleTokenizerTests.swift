import Foundation
import PreferenceData
import Testing
import Tokenizers

@Suite("Tokenizing examples")
struct ExampleTokenizerTests {
    private func pair(_ prompt: String, _ chosen: String, _ rejected: String) -> PreferencePair {
        PreferencePair(
            index: 0, source: .nowhere, prompt: .text(prompt), chosen: .text(chosen), rejected: .text(rejected))
    }

    private func chat(_ turns: [(String, String)], _ answer: String) -> PromptCompletion {
        PromptCompletion(
            index: 0, source: .nowhere, prompt: .messages(turns.map { ChatMessage(role: $0.0, content: $0.1) }),
            completion: .messages([ChatMessage(role: "assistant", content: answer)]))
    }

    @Test("Text is tokenized as it is: BOS once, the responses end in EOS, and EOS in the text is not doubled")
    func plainText() throws {
        let tokenizer = try ExampleTokenizer(encoder: ByteEncoder(addsBOS: true))
        let result = try tokenizer.tokenize([pair("ab", "c", "d</s>")])
        #expect(
            result.examples == [
                TokenizedPair(index: 0, prompt: [1] + bytes("ab"), chosen: bytes("c") + [2], rejected: bytes("d") + [2])
            ])
        #expect(result.summary.tokens == 7 && result.summary.longest == 5 && result.summary.seamsMerged == 0)
        let open = try ExampleTokenizer(encoder: ByteEncoder(), appendsEOS: false).tokenize([pair("ab", "c", "d")])
        #expect(open.examples[0].responses == [bytes("c"), bytes("d")])
    }

    @Test(
        "An end token that the tokenizer puts behind a text is never in front of a response, nor comes twice behind one"
    )
    func trailingEOS() throws {
        let encoder = ByteEncoder(addsBOS: true, addsEOS: true)
        let expected = TokenizedPair(
            index: 0, prompt: [1] + bytes("ab"), chosen: bytes("c") + [2], rejected: bytes("d") + [2])
        let result = try ExampleTokenizer(encoder: encoder).tokenize([pair("ab", "c", "d</s>")])
        #expect(result.examples == [expected] && result.summary.seamsMerged == 0)
        let prompt = Prompt(index: 0, source: .nowhere, prompt: .text("ab"))
        #expect(try ExampleTokenizer(encoder: encoder).tokenize([prompt]).examples[0].prompt == expected.prompt)
        let other = try ExampleTokenizer(encoder: encoder, endTokens: [7]).tokenize([pair("ab", "c", "d")])
        #expect(other.examples[0].responses == [bytes("c") + [7], bytes("d") + [7]])
        let bare = PromptRenderer(template: BracketTemplate(takesSpecialTokens: true))
        let answered = try ExampleTokenizer(encoder: encoder, renderer: bare).tokenize([chat([("user", "Q")], "A")])
        #expect(answered.examples[0].prompt == [1] + bytes("[user]Q") + [2] + bytes("\n[assistant]"))
        #expect(answered.examples[0].completion == bytes("A") + [2])
    }

    @Test(
        "Messages go through the template, and a response ends at the end token, not behind it"
    )
    func templates() throws {
        let renderer = PromptRenderer(template: BracketTemplate())
        let record = chat([("user", "Q")], "A")
        let ended = try ExampleTokenizer(encoder: ByteEncoder(addsBOS: true), renderer: renderer).tokenize([record])
        #expect(ended.examples[0].prompt == bytes("[user]Q") + [2] + bytes("\n[assistant]"))
        #expect(ended.examples[0].completion == bytes("A") + [2])
        let bare = PromptRenderer(template: BracketTemplate(takesSpecialTokens: true))
        let withBOS = try ExampleTokenizer(encoder: ByteEncoder(addsBOS: true), renderer: bare).tokenize([record])
        #expect(withBOS.examples[0].prompt == [1] + ended.examples[0].prompt)
        #expect(withBOS.examples[0].completion == ended.examples[0].completion)
        let rendered = try ExampleTokenizer(encoder: ByteEncoder(), renderer: renderer, appendsEOS: false)
        #expect(try rendered.tokenize([record]).examples[0].completion == bytes("A") + [2] + bytes("\n"))
        let breaks = try ExampleTokenizer(encoder: ByteEncoder(), renderer: renderer)
            .tokenize([chat([("user", "Q")], "A\n")])
        #expect(breaks.examples[0].completion == bytes("A\n") + [2])
    }

    @Test("Transcripts become messages only where the template is asked to apply to text")
    func transcriptsInTemplates() throws {
        let text = pair("\n\nHuman: Q\n\nAssistant: A\n\nHuman: R\n\nAssistant:", " yes", " no")
        let plain = try ExampleTokenizer(encoder: ByteEncoder(), renderer: PromptRenderer(template: BracketTemplate()))
        #expect(
            try plain.tokenize([text]).examples[0].prompt
                == bytes("\n\nHuman: Q\n\nAssistant: A\n\nHuman: R\n\nAssistant:"))
        let applied = try ExampleTokenizer(
            encoder: ByteEncoder(), renderer: PromptRenderer(template: BracketTemplate(), appliesToText: true))
        let example = try applied.tokenize([text]).examples[0]
        #expect(
            example.prompt == bytes("[user]Q") + [2] + bytes("\n[assistant]A") + [2] + bytes("\n[user]R") + [2]
                + bytes("\n[assistant]"))
        #expect(example.responses == [bytes("yes") + [2], bytes("no") + [2]])
    }

    @Test("Where tokens merge across the seam, prompt and response are tokenized apart, and counted")
    func seams() throws {
        let tokenizer = try ExampleTokenizer(encoder: MergingEncoder())
        let ids = { (text: String) in text.utf8.map { Int32($0) } }
        let result = try tokenizer.tokenize([pair("xa", "by", "z"), pair("xa", "y", "z")])
        #expect(result.examples[0].prompt == ids("xa"))
        #expect(result.examples[0].chosen == ids("by") + [2] && result.examples[0].rejected == ids("z") + [2])
        #expect(result.summary.seamsMerged == 1)
        #expect(result.summary.text.contains("1 tokenized apart from their prompts"))
    }

    @Test("What a tokenizer or template cannot do is told with the record")
    func errors() throws {
        let twice = try ExampleTokenizer(
            encoder: ByteEncoder(), renderer: PromptRenderer(template: BracketTemplate(start: "<s><s>")))
        #expect(
            message { _ = try twice.tokenize([chat([("user", "Q")], "A")]) }
                == "made:1: the prompt starts with two BOS tokens (id 1); take BOS out of the text or the chat template"
        )
        let doubled = try ExampleTokenizer(encoder: ByteEncoder(addsBOS: true))
        #expect(message { _ = try doubled.tokenize([pair("<s>a", "b", "c")]) }.contains("two BOS tokens"))
        let none = try ExampleTokenizer(encoder: ByteEncoder())
        #expect(message { _ = try none.tokenize([chat([("user", "Q")], "A")]) }.contains("brings no chat template"))
        #expect(
            message { _ = try ExampleTokenizer(encoder: ByteEncoder(), endTokens: []) }
                == "eos_token: the tokenizer has none, so nothing would end a response; name one")
    }

    @Test("What only the template or the tokenizer refuses is skipped and counted where bad records are")
    func skipping() throws {
        let bad = chat([("user", "Q"), ("tool", "2")], "A")
        let doubled = PromptCompletion(index: 2, source: .nowhere, prompt: .text("<s>a"), completion: .text("b"))
        let records = [chat([("user", "Q")], "A"), bad, doubled]
        var tokenizer = try ExampleTokenizer(
            encoder: ByteEncoder(addsBOS: true), renderer: PromptRenderer(template: RefusingTemplate()))
        #expect(
            message { _ = try tokenizer.tokenize(records) }
                == "made:1: no role tool; on_bad_record: skip leaves such rows out")
        #expect(message { _ = try tokenizer.tokenize([bad, records[0]]) }.contains("on_bad_record: skip"))
        #expect(message { _ = try tokenizer.tokenize([bad, doubled]) } == "made:1: no role tool")
        tokenizer.onBadRecord = .skip
        let result = try tokenizer.tokenize(records)
        #expect(result.examples.count == 1 && result.summary.records == 1 && result.summary.skipped == 2)
        #expect(result.summary.firstSkipped?.reason == "no role tool")
        #expect(
            message { _ = try tokenizer.tokenize([bad, doubled]) }
                == "made: no prompts with completions in it, 2 bad rows skipped, the first: made:1: no role tool")
        // Without a template no record of messages could be read: that is no fault of the records.
        var none = try ExampleTokenizer(encoder: ByteEncoder())
        none.onBadRecord = .skip
        #expect(message { _ = try none.tokenize(records) }.contains("brings no chat template"))
    }

    private struct RefusingTemplate: ChatRenderer {
        struct Refusal: Error, CustomStringConvertible { let description = "no role tool" }
        var takesSpecialTokens: Bool { false }

        func render(_ messages: [ChatMessage], addGenerationPrompt: Bool) throws -> String {
            guard !messages.contains(where: { $0.role == "tool" }) else { throw Refusal() }
            return try BracketTemplate().render(messages, addGenerationPrompt: addGenerationPrompt)
        }
    }

    @Test("An empty prompt is allowed where the first token need not be predicted")
    func emptyPrompt() throws {
        let tokenizer = try ExampleTokenizer(encoder: ByteEncoder())
        let text = PromptCompletion(index: 0, source: .nowhere, prompt: .text(""), completion: .text("abc"))
        let nothing = PromptCompletion(index: 1, source: .nowhere, prompt: .text(""), completion: .text(""))
        let result = try tokenizer.tokenize([text, nothing])
        #expect(result.examples == [TokenizedCompletion(index: 0, prompt: [], completion: bytes("abc") + [2])])
        #expect(result.summary.dropped == 1 && result.summary.empty == 1)
        #expect(result.summary.text.contains("1 dropped as empty") && !result.summary.text.contains("too long"))
        #expect(
            message { _ = try tokenizer.tokenize([nothing]) }
                == "no example is left of 1: prompt and response are empty (the first: made:1); give them text, or other data"
        )
    }

    @Test("The fingerprint changes with any token, and not otherwise")
    func fingerprint() throws {
        let tokenizer = try ExampleTokenizer(encoder: ByteEncoder())
        let one = try tokenizer.tokenize([pair("ab", "c", "d")]).fingerprint
        #expect(one == (try tokenizer.tokenize([pair("ab", "c", "d")]).fingerprint))
        let others = [pair("a", "bc", "d"), pair("ab", "c", "e"), pair("ab", "d", "c"), pair("abc", "", "d")]
        let hashes = try others.map { try tokenizer.tokenize([$0]).fingerprint }
        #expect(Set(hashes + [one]).count == 5)
    }
}

import Foundation
import TestSupport
import Testing
import Tokenizers

@Suite("Chat templates")
struct ChatTemplateTests {
    struct Fixture: Decodable {
        struct Message: Decodable {
            var role: String
            var content: String
        }
        struct Known: Decodable {
            var name: String
            var family: String
            var text: String
            var bos: String?
            var eos: String?
            var rendered: [String?]
        }
        var conversations: [[Message]]
        var known: [Known]
        var unknown: [String]

        var messages: [[ChatMessage]] {
            conversations.map { $0.map { ChatMessage(role: $0.role, content: $0.content) } }
        }
    }

    let fixture: Fixture

    init() throws { fixture = try TokenizerFixtures.decode(Fixture.self, from: "chat.json") }

    @Test("Every known text is recognised and renders what jinja2 renders from it")
    func rendersLikeJinja() throws {
        for known in fixture.known {
            let template = try ChatTemplate(recognizing: known.text)
            #expect(template.name == known.family, "\(known.name)")
            let tokens = SpecialTokens(
                bos: known.bos.map { .init(text: $0, id: 1) }, eos: known.eos.map { .init(text: $0, id: 2) })
            for (index, messages) in fixture.messages.enumerated() {
                for prompt in [false, true] {
                    // Llama 2's text leaves a system message out that is not the first; here that is an error.
                    let drops = known.family == "llama2" && messages.dropFirst().contains { $0.role == "system" }
                    let expected = drops ? nil : known.rendered[2 * index + (prompt ? 1 : 0)]
                    let rendered = try? template.render(messages, addGenerationPrompt: prompt, specialTokens: tokens)
                    #expect(
                        rendered.map { Array($0.utf8) } == expected.map { Array($0.utf8) }, "\(known.name), \(index)")
                }
            }
        }
    }

    @Test(
        "A text that renders differently from all known ones is refused, and no other is recommended for its likeness")
    func refusesUnknown() throws {
        // The Kelvin sign is equal to K where strings are compared as people read them.
        let llama31 = try #require(fixture.known.first { $0.text.contains("Cutting Knowledge") }).text
        let looksAlike = llama31.replacingOccurrences(of: "Cutting K", with: "Cutting \u{212A}")
        for unknown in fixture.unknown + [looksAlike] {
            let error = #expect(throws: ChatTemplateError.self, "\(unknown)") {
                try ChatTemplate(recognizing: unknown)
            }
            guard case .unknownTemplate(let known)? = error else {
                Issue.record("expected unknownTemplate, not \(String(describing: error))")
                continue
            }
            #expect(known.contains("llama3"))
            let text = "\(try #require(error))"
            #expect(!text.contains("\n") && !text.contains("resembles"))
        }
    }

    @Test("The text saved for a template is recognised as that template")
    func savedText() throws {
        for known in fixture.known {
            let template = try ChatTemplate(recognizing: known.text)
            let text = try #require(template.jinja, "\(known.name)")
            #expect(try ChatTemplate(recognizing: text) == template, "\(known.name)")
        }
        for family in ChatTemplate.Family.allCases {
            let template = try ChatTemplate(named: family.rawValue)
            let again = try ChatTemplate(recognizing: try #require(template.jinja))
            #expect(again.family == family)
        }
    }

    @Test("The text saved with a tokenizer gives the ids that the template named gives, its BOS among them")
    func savedIDs() throws {
        for (file, adds) in [("llama2", true), ("qwen2", false)] {
            try TestSupport.withTemporaryDirectory { directory in
                try FileManager.default.copyItem(
                    at: TokenizerFixtures.directory.appending(path: "\(file).tokenizer.json"),
                    to: directory.appending(path: "tokenizer.json"))
                let names = #"{"bos_token": "<s>", "eos_token": "</s>"}"#
                try Data(names.utf8).write(to: directory.appending(path: "tokenizer_config.json"))
                let tokenizer = try Tokenizer(directory: directory)
                #expect(tokenizer.addsBOS == adds)
                let messages = fixture.messages[0]
                for family in ChatTemplate.Family.allCases {
                    let template = try ChatTemplate(named: family.rawValue)
                    let text = try #require(template.saved(for: tokenizer).jinja)
                    let again = try ChatTemplate(recognizing: text)
                    #expect(again == template.saved(for: tokenizer) && !again.takesTokenizerBOS)
                    for prompt in [false, true] {
                        #expect(
                            try again.encode(messages, addGenerationPrompt: prompt, with: tokenizer)
                                == template.encode(messages, addGenerationPrompt: prompt, with: tokenizer), "\(family)")
                    }
                }
            }
        }
    }

    @Test("A name that no template has is answered with the nearest one")
    func names() throws {
        #expect(try ChatTemplate(named: "ChatML").family == .chatML)
        #expect(try ChatTemplate(named: "none").family == .plain)
        let error = #expect(throws: ChatTemplateError.self) { try ChatTemplate(named: "lama3") }
        #expect(error?.description.contains("did you mean llama3?") == true)
    }

    @Test("Roles and orders without a form, and tokens the tokenizer does not name, are errors")
    func invalidConversations() throws {
        let none = SpecialTokens()
        let chatML = try ChatTemplate(named: "chatml")
        #expect(throws: ChatTemplateError.self) {
            try chatML.render(
                [ChatMessage(role: "tool", content: "x")], addGenerationPrompt: false, specialTokens: none)
        }
        #expect(throws: ChatTemplateError.self) {
            try chatML.render([], addGenerationPrompt: true, specialTokens: none)
        }
        #expect(throws: ChatTemplateError.missingToken("bos_token", template: "llama3")) {
            try ChatTemplate(named: "llama3").render(
                [ChatMessage(role: "user", content: "x")], addGenerationPrompt: true, specialTokens: none)
        }
    }

    @Test("The prompt is a prefix of prompt and completion for the Anthropic transcripts")
    func anthropic() throws {
        let template = try ChatTemplate(named: "anthropic")
        let prompt = try template.render(
            [ChatMessage(role: "user", content: "Hi")], addGenerationPrompt: true, specialTokens: SpecialTokens())
        #expect(prompt == "\n\nHuman: Hi\n\nAssistant:")
        let whole = try template.render(
            [ChatMessage(role: "user", content: "Hi"), ChatMessage(role: "assistant", content: "Hello")],
            addGenerationPrompt: false, specialTokens: SpecialTokens())
        #expect(whole == prompt + " Hello")
    }

    @Test("A second BOS at the start is an error; special tokens in the text become their ids")
    func doubleBOS() throws {
        try TestSupport.withTemporaryDirectory { directory in
            try FileManager.default.copyItem(
                at: TokenizerFixtures.directory.appending(path: "llama3.tokenizer.json"),
                to: directory.appending(path: "tokenizer.json"))
            let config = #"{"bos_token": "<|begin_of_text|>", "eos_token": {"content": "<|eot_id|>", "special": true}}"#
            try Data(config.utf8).write(to: directory.appending(path: "tokenizer_config.json"))
            let tokenizer = try Tokenizer(directory: directory)
            #expect(tokenizer.addsBOS && tokenizer.trailingTokenIDs.isEmpty)
            let (bos, eos) = (
                try #require(tokenizer.specialTokens.bos?.id), try #require(tokenizer.specialTokens.eos?.id)
            )
            let llama3 = try ChatTemplate(named: "llama3")
            let message = ChatMessage(role: "user", content: "Hi")
            let ids = try llama3.encode([message], addGenerationPrompt: true, with: tokenizer)
            #expect(ids.first == bos && ids.filter { $0 == bos }.count == 1 && ids.filter { $0 == eos }.count == 1)

            let plain = try ChatTemplate(named: "plain")
            #expect(try plain.encode([message], addGenerationPrompt: true, with: tokenizer).first == bos)
            let doubled = ChatMessage(role: "user", content: "<|begin_of_text|>Hi")
            #expect(throws: ChatTemplateError.doubleBOS(template: "plain")) {
                try plain.encode([doubled], addGenerationPrompt: true, with: tokenizer)
            }
        }
    }

    @Test(
        "SmolLM2's own template is read from its directory, with its default system message",
        .enabled(if: TestSupport.smolLM2 != nil, "no SmolLM2 here (MPO_SMOLLM2)"))
    func smolLM2() throws {
        let tokenizer = try Tokenizer(directory: try #require(TestSupport.smolLM2))
        let template = try #require(try tokenizer.chatTemplate())
        let ids = try template.encode(
            [ChatMessage(role: "user", content: "Hi")], addGenerationPrompt: true, with: tokenizer)
        #expect(
            tokenizer.decode(ids, skipSpecialTokens: false)
                == "<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>\n"
                + "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n")
        #expect(ids.filter { $0 == tokenizer.specialTokens.bos?.id }.count == 3)
    }
}

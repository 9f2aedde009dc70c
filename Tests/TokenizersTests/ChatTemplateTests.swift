import Foundation
import JSON
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
            var text: String
            var bos: String?
            var eos: String?
            var rendered: [String?]
        }
        var conversations: [[Message]]
        var known: [Known]

        var messages: [[ChatMessage]] {
            conversations.map { $0.map { ChatMessage(role: $0.role, content: $0.content) } }
        }
    }

    let fixture: Fixture

    init() throws { fixture = try TokenizerFixtures.decode(Fixture.self, from: "chat.json") }

    @Test("Texts of well-known models render what jinja2 renders from them")
    func rendersLikeJinja() throws {
        for known in fixture.known {
            let template = try ChatTemplate(jinja: known.text)
            let tokens = SpecialTokens(
                bos: known.bos.map { .init(text: $0, id: 1) }, eos: known.eos.map { .init(text: $0, id: 2) })
            for (index, messages) in fixture.messages.enumerated() {
                for prompt in [false, true] {
                    let expected = known.rendered[2 * index + (prompt ? 1 : 0)]
                    let rendered = try? template.render(messages, addGenerationPrompt: prompt, specialTokens: tokens)
                    #expect(
                        rendered.map { Array($0.utf8) } == expected.map { Array($0.utf8) }, "\(known.name), \(index)")
                }
            }
        }
    }

    @Test("A text that is no template is refused with line and column")
    func refusesBroken() {
        for broken in ["{% if %", "{% for m in messages %}", "a\n{{ messages[0] "] {
            let error = #expect(throws: ChatTemplateError.self, "\(broken)") { try ChatTemplate(jinja: broken) }
            #expect(error?.description.contains("cannot be read: line ") == true, "\(error?.description ?? "")")
        }
    }

    @Test("Names render what the models that they are called after render")
    func namedLikeJinja() throws {
        for (name, model) in [
            ("chatml", "ChatML"), ("llama2", "Llama 2"), ("llama3", "Llama 3"), ("zephyr", "Zephyr"),
            ("mistral", "Mistral 0.1, system"), ("anthropic", "Anthropic"),
        ] {
            let known = try #require(fixture.known.first { $0.name == model })
            let template = try ChatTemplate(named: name)
            let tokens = SpecialTokens(
                bos: known.bos.map { .init(text: $0, id: 1) }, eos: known.eos.map { .init(text: $0, id: 2) })
            let rendered = fixture.messages.flatMap { messages in
                [false, true].map {
                    try? template.render(messages, addGenerationPrompt: $0, specialTokens: tokens)
                }
            }
            #expect(rendered == known.rendered, "\(name)")
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
                for named in ChatTemplate.Named.allCases {
                    let template = try ChatTemplate(named: named.rawValue)
                    let again = try ChatTemplate(jinja: template.savedText(for: tokenizer))
                    #expect(!again.takesTokenizerBOS)
                    for prompt in [false, true] {
                        #expect(
                            try again.encode(messages, addGenerationPrompt: prompt, with: tokenizer)
                                == template.encode(messages, addGenerationPrompt: prompt, with: tokenizer), "\(named)")
                    }
                }
            }
        }
    }

    @Test("Messages come with all their fields, and lists of parts as lists where the template reads them")
    func fields() throws {
        let tokens = SpecialTokens()
        func text(_ jinja: String, _ message: ChatMessage) throws -> String {
            try ChatTemplate(jinja: jinja).render([message], addGenerationPrompt: false, specialTokens: tokens)
        }
        var called = ChatMessage(role: "assistant", content: "")
        called.fields["content"] = .null
        called.fields["tool_calls"] = try json(#"[{"function": {"name": "add"}}]"#)
        let calls = "{% for m in messages %}{{ m.content is none }} {{ m.tool_calls[0].function.name }}{% endfor %}"
        #expect(try text(calls, called) == "True add")
        // What was thought has several names; what a template never writes is refused.
        var thought = ChatMessage(role: "assistant", content: "4")
        thought.fields["thinking"] = .string("2 + 2")
        let thinks = "{% for m in messages %}{{ m.reasoning_content }}={{ m.content }}{% endfor %}"
        #expect(try text(thinks, thought) == "2 + 2=4")
        #expect(throws: ChatTemplateError.self) { try text("{{ messages[0].content }}", thought) }
        #expect(throws: ChatTemplateError.self) { try text("{{ messages[0].content }}", called) }
        let parts = try json(#"[{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]"#)
        let message = ChatMessage(
            role: "user", content: "ab", fields: JSONObject(uniqueKeysWithValues: [("content", parts)]))
        #expect(try text("{% for m in messages %}[{{ m.content }}]{% endfor %}", message) == "[ab]")
        let reads = "{% for p in messages[0].content %}<{{ p.text }}>{% endfor %}"
        #expect(try text(reads, message) == "<a><b>")
    }

    private func json(_ text: String) throws -> JSON {
        try JSON(parsing: text)
    }

    @Test("A template is told its variables and the date; one that asks for a date that nobody gave is refused")
    func variables() throws {
        let message = [ChatMessage(role: "user", content: "x")]
        var template = try ChatTemplate(
            jinja:
                "{{ enable_thinking }} {{ strftime_now('%d %b %Y') }}{% for m in messages %} {{ m.content }}{% endfor %}"
        )
        template.variables["enable_thinking"] = .bool(false)
        #expect(throws: ChatTemplateError.self) {
            try template.render(message, addGenerationPrompt: true, specialTokens: SpecialTokens())
        }
        template.date = JinjaDate(year: 2026, month: 11, day: 27)
        let text = try template.render(message, addGenerationPrompt: true, specialTokens: SpecialTokens())
        #expect(text == "False 27 Nov 2026 x")
        #expect(template.variableNames == ["enable_thinking"] && template.reads("messages") && !template.reads("date"))
    }

    @Test("A template that leaves out what is said, as one for lists of parts does, refuses it")
    func unwritten() throws {
        func error(_ jinja: String) -> String {
            let messages = [ChatMessage(role: "user", content: "a"), ChatMessage(role: "assistant", content: "b")]
            let error = #expect(throws: ChatTemplateError.self) {
                try ChatTemplate(jinja: jinja).render(
                    messages, addGenerationPrompt: false, specialTokens: SpecialTokens())
            }
            return error?.description ?? ""
        }
        #expect(
            error("{{ messages[0].content }}").contains(
                "it does not write the text of the role 'assistant'; give another"))
        let parts = "{% for m in messages %}{% for p in m.content %}{{ p.text }}{% endfor %}{% endfor %}"
        #expect(error(parts).contains("of the role 'user'; write 'content' as a list of parts"))
    }

    @Test("A name that no template has is answered with the nearest one")
    func names() throws {
        #expect(try ChatTemplate(named: "ChatML").name == "chatml")
        #expect(try ChatTemplate(named: "none").name == "plain")
        let error = #expect(throws: ChatTemplateError.self) { try ChatTemplate(named: "lama3") }
        #expect(error?.description.contains("did you mean llama3?") == true)
    }

    @Test("What a template refuses, no messages, and tokens the tokenizer does not name are errors")
    func invalidConversations() throws {
        let none = SpecialTokens()
        let chatML = try ChatTemplate(named: "chatml")
        let tokens = SpecialTokens(bos: .init(text: "<s>", id: 1), eos: .init(text: "</s>", id: 2))
        let refusal = #expect(throws: ChatTemplateError.self) {
            try ChatTemplate(named: "mistral").render(
                [ChatMessage(role: "assistant", content: "x")], addGenerationPrompt: false, specialTokens: tokens)
        }
        #expect(refusal?.description.contains("roles must alternate user/assistant") == true)
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

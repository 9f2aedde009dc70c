import JSON
import PreferenceData
import Testing
import Tokenizers

@Suite("What rows tell a chat template")
struct TemplateVariablesTests {
    private static let jinja =
        "{% for t in tools or [] %}({{ t.name }}){% endfor %}{% for d in documents or [] %}<{{ d.title }}>{% endfor %}"
        + "{{ style | default('') }}{% for m in messages %}[{{ m.role }}]{{ m.content }}</s>\n{% endfor %}"
        + "{% if add_generation_prompt %}[assistant]{% endif %}"

    private func prompt<Record: DatasetRecord>(
        _ columns: String, _ record: Record.Type = PromptCompletion.self, names: [String: String] = [:],
        jinja: String = jinja
    ) throws -> [Int32] {
        let turns = #""prompt": [{"role": "user", "content": "q"}]"#
        let answer = #"{"role": "assistant", "content": "a"}"#
        let line =
            record == PreferencePair.self
            ? "{\(turns), \"chosen\": [\(answer)], \"rejected\": [\(answer.replacing("\"a\"", with: "\"b\""))], \(columns)}"
            : "{\(turns), \"completion\": [\(answer)], \"label\": true, \(columns)}"
        let tokenizer = try ExampleTokenizer(
            encoder: ByteEncoder(), renderer: PromptRenderer(template: WrittenTemplate(try ChatTemplate(jinja: jinja))))
        return try withFile(line) { file in
            let records = try Dataset<Record>(reading: [file], columns: ColumnNames(names)).records
            return switch records {
            case let pairs as [PreferencePair]: try tokenizer.tokenize(pairs).examples[0].prompt
            case let completions as [PromptCompletion]: try tokenizer.tokenize(completions).examples[0].prompt
            case let answers as [UnpairedPreference]: try tokenizer.tokenize(answers).examples[0].prompt
            case let prompts as [Prompt]: try tokenizer.tokenize(prompts).examples[0].prompt
            default: []
            }
        }
    }

    private func text(_ front: String) -> [Int32] { bytes(front + "[user]q") + [2] + bytes("\n[assistant]") }

    @Test("Tools are written, as a list or as its JSON text, for every kind of record")
    func tools() throws {
        for columns in [
            #""tools": [{"name": "f"}, {"name": "g"}]"#, #""tools": "[{\"name\": \"f\"}, {\"name\": \"g\"}]""#,
        ] {
            #expect(try prompt(columns, PreferencePair.self) == text("(f)(g)"))
            #expect(try prompt(columns, PromptCompletion.self) == text("(f)(g)"))
            #expect(try prompt(columns, UnpairedPreference.self) == text("(f)(g)"))
            #expect(try prompt(columns, Prompt.self) == text("(f)(g)"))
        }
        #expect(try prompt(#""tools": []"#) == text("") && prompt(#""tools": "[]""#) == text(""))
        #expect(
            try prompt(#""functions_json": "[{\"name\": \"f\"}]""#, names: ["tools": "functions_json"]) == text("(f)"))
    }

    @Test("Documents and a row's own variables are written, before those of the configuration")
    func others() throws {
        #expect(try prompt(#""documents": [{"title": "T"}], "chat_template_kwargs": {"style": "!"}"#) == text("<T>!"))
        #expect(try prompt(#""documents": [{"title": "T"}]"#, names: ["documents": "none"]) == text(""))
        #expect(try prompt(#""documents": "[{\"title\": \"T\"}]""#) == text("<T>"))
        // Null is what a file of typed columns has where a row says nothing.
        #expect(try prompt(#""chat_template_kwargs": {"style": null, "tools": null}"#) == text(""))
        var template = try ChatTemplate(jinja: Self.jinja)
        template.variables["style"] = .string("?")
        let told = WrittenTemplate(template).told(JSONObject(uniqueKeysWithValues: [("style", .string("!"))]))
        #expect(
            try told.render([ChatMessage(role: "user", content: "q")], addGenerationPrompt: false).hasPrefix("![user]"))
    }

    @Test("What no template writes is refused with the way to leave it out")
    func refused() throws {
        let plain = "{% for m in messages %}{{ m.content }}{% endfor %}"
        let unwritten = message { _ = try prompt(#""tools": [{"name": "f"}]"#, jinja: plain) }
        #expect(unwritten.contains("it writes no 'tools'") && unwritten.contains("dataset.columns: {tools: none}"))
        #expect(try prompt(#""tools": [{"name": "f"}]"#, names: ["tools": "none"], jinja: plain) == bytes("q"))
        for (columns, clue) in [
            (#""tools": {"name": "f"}"#, "'tools' is an object, not a list of the functions"),
            (#""tools": "f(x)""#, "'tools' is a text, but not of JSON"),
            (#""chat_template_kwargs": {"messages": []}"#, "'chat_template_kwargs' has 'messages', which each"),
            (#""chat_template_kwargs": "x""#, "'chat_template_kwargs' is a string"),
            (#""chat_template_kwargs": {"date": "2026-01-01"}"#, "has 'date', which is the run's"),
        ] {
            let text = message { _ = try prompt(columns) }
            #expect(text.contains("data.jsonl:1: ") && text.contains(clue), "\(text)")
        }
        let beside = message {
            let tokenizer = try ExampleTokenizer(
                encoder: ByteEncoder(),
                renderer: PromptRenderer(template: WrittenTemplate(try ChatTemplate(jinja: plain))))
            _ = try withFile(#"{"prompt": "q", "completion": "a", "tools": [{"name": "f"}]}"#) {
                try tokenizer.tokenize(Dataset<PromptCompletion>(reading: [$0]).records)
            }
        }
        #expect(beside.contains("it has 'tools' for a chat template, and a prompt that is text"), "\(beside)")
    }

    @Test("Rows with tools go through the template for them, where there is one, and others through the default one")
    func namedTemplates() throws {
        // It writes nothing without tools, and its turns end otherwise.
        let forTools =
            "{% for t in tools %}({{ t.name }}){% endfor %}{% for m in messages %}<{{ m.role }}>{{ m.content }}</s>!{% endfor %}"
            + "{% if add_generation_prompt %}<assistant>{% endif %}"
        var renderer = PromptRenderer(template: WrittenTemplate(try ChatTemplate(jinja: Self.jinja)))
        renderer.toolTemplate = .success(WrittenTemplate(try ChatTemplate(jinja: forTools)))
        func example(_ columns: String, _ renderer: PromptRenderer) throws -> TokenizedCompletion {
            let line =
                #"{"prompt": [{"role": "user", "content": "q"}], "completion": [{"role": "assistant", "content": "a"}]\#(columns)}"#
            let tokenizer = try ExampleTokenizer(encoder: ByteEncoder(), renderer: renderer)
            return try withFile(line) {
                try tokenizer.tokenize(Dataset<PromptCompletion>(reading: [$0]).records).examples[0]
            }
        }
        let tools = #", "tools": [{"name": "f"}]"#
        let (with, without) = (try example(tools, renderer), try example(#", "tools": []"#, renderer))
        #expect(with.prompt == bytes("(f)<user>q") + [2] + bytes("!<assistant>") && with.completion == bytes("a") + [2])
        #expect(without.prompt == text("") && without.completion == bytes("a") + [2])
        // Alone, it is known by its answers to a tool.
        let alone = PromptRenderer(template: WrittenTemplate(try ChatTemplate(jinja: forTools)))
        #expect(try example(tools, alone) == with)
        renderer.toolTemplate = .failure(ChatTemplateError.noStandard(names: ["x"]))
        #expect(message { _ = try example(tools, renderer) }.contains("none of them is its default"))
        #expect(try example("", renderer) == without)
    }

    @Test("Samples and demonstrations are matched by what their rows tell the template too")
    func matched() throws {
        func record(_ tool: String, _ answer: String, _ index: Int) -> PromptCompletion {
            var record = PromptCompletion(
                index: index, source: .nowhere, prompt: .messages([ChatMessage(role: "user", content: "q")]),
                completion: .text(answer))
            record.templateVariables["tools"] = .array([.string(tool)])
            return record
        }
        let pairs = DemonstrationPairs(
            [record("f", "a", 0), record("g", "b", 1)], before: [record("g", "c", 0), record("h", "d", 1)])
        #expect(pairs.pairs.map(\.chosen) == [.text("b")] && pairs.pairs.map(\.rejected) == [.text("c")])
        #expect(pairs.pairs[0].templateVariables["tools"] == .array([.string("g")]))
        #expect(pairs.withoutSample == 1 && pairs.withoutDemonstration == 1)
    }
}

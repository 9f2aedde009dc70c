import JSON
import PreferenceData
import Testing
import Tokenizers

@Suite("Learning every answer of a conversation")
struct AnswersTests {
    private static let turns =
        #"{"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "one"}, "#
        + #"{"role": "user", "content": "more"}, {"role": "assistant", "content": "two"}]}"#

    /// Templates that write what `BracketTemplate` writes, and what differs from it.
    private static let plain =
        "{% for m in messages %}[{{ m.role }}]{{ m.content }}</s>\n{% endfor %}"
        + "{% if add_generation_prompt %}[assistant]{% endif %}"
    private static let marked =
        "{% for m in messages %}[{{ m.role }}]{% if m.role == 'assistant' %}{% generation %}{{ m.content }}</s>"
        + "{% endgeneration %}{% else %}{{ m.content }}</s>{% endif %}{{ '\\n' }}{% endfor %}"
        + "{% if add_generation_prompt %}[assistant]{% endif %}"
    /// What was thought stays in the last answer alone.
    private static let forgetful =
        "{% for m in messages %}[{{ m.role }}]{% if m.role == 'assistant' and loop.last %}<hm>{% endif %}"
        + "{{ m.content }}</s>\n{% endfor %}{% if add_generation_prompt %}[assistant]{% endif %}"

    private func tokenizer(_ jinja: String, _ limits: LengthLimits = .none) throws -> ExampleTokenizer {
        let template = WrittenTemplate(try ChatTemplate(jinja: jinja))
        var tokenizer = try ExampleTokenizer(
            encoder: ByteEncoder(), renderer: PromptRenderer(template: template), limits: limits)
        tokenizer.learnedTokens = .answers
        return tokenizer
    }

    private func examples(_ line: String, _ tokenizer: ExampleTokenizer) throws -> TokenizedDataset<TokenizedCompletion>
    {
        try withFile(line) { try tokenizer.tokenize(Dataset<PromptCompletion>(reading: [$0]).records) }
    }

    private func learned(_ example: TokenizedCompletion) -> [[Int32]] {
        example.learned(ofResponse: 0).map { Array(example.completion[$0]) }
    }

    @Test(
        "Answers go from behind the generation prompt through their end token, marked by the template or not",
        arguments: [(plain, ""), (marked, ""), (forgetful, "<hm>")])
    func turnByTurn(jinja: String, thought: String) throws {
        let result = try examples(Self.turns, tokenizer(jinja))
        let example = try #require(result.examples.first)
        #expect(example.prompt == bytes("[user]q") + [2] + bytes("\n[assistant]"))
        #expect(learned(example) == [bytes("one") + [2], bytes(thought + "two") + [2]])
        let between = bytes("\n[user]more") + [2] + bytes("\n[assistant]")
        #expect(example.completion == bytes("one") + [2] + between + bytes(thought + "two") + [2])
        #expect(result.summary.text.contains("2 answers to learn") && result.summary.seamsMerged == 0)
        // Losses are over these tokens, each predicted from the row before it.
        let batch = ResponseBatch([example])
        #expect(batch.predictions.tokens == learned(example).flatMap(\.self))
        #expect(example.predictedCount == batch.predictions.count)
        for (row, token) in zip(batch.predictions.rows, batch.predictions.tokens) {
            #expect(batch.rows.tokens[Int(row) + 1] == token)
        }
    }

    @Test("Of a prompt with a completion the completion's answers are learned, and what tools say is not")
    func completion() throws {
        let line =
            #"{"prompt": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "no"}, "#
            + #"{"role": "user", "content": "r"}], "completion": [{"role": "assistant", "content": "call"}, "#
            + #"{"role": "tool", "content": "3"}, {"role": "assistant", "content": "it is 3"}]}"#
        for jinja in [Self.plain, Self.marked] {
            let example = try #require(try examples(line, tokenizer(jinja)).examples.first)
            #expect(learned(example) == [bytes("call") + [2], bytes("it is 3") + [2]])
            #expect(example.prompt.suffix(11) == bytes("[assistant]")[...])
        }
    }

    @Test(
        "A mark that says neither yes nor no is refused with its row",
        arguments: [
            ("\"train\": \"no\"", "'train': \"no\""), ("\"trainable\": 2", "'trainable': 2"),
            ("\"weight\": 0.5", "'weight': 0.5"),
            ("\"loss\": []", "'loss': []"),
        ])
    func wrongMarks(mark: String, clue: String) throws {
        for (text, place) in [("one", "message 2"), ("two", "the last of 'messages'")] {
            let line = Self.turns.replacing("\"content\": \"\(text)\"", with: "\"content\": \"\(text)\", \(mark)")
            let problem = message { _ = try examples(line, tokenizer(Self.plain)) }
            #expect(
                problem.contains("data.jsonl:1: \(place) has \(clue), which is neither true nor false"), "\(problem)")
        }
        for same in ["true", "1", "1.0", "null"] {
            let line = Self.turns.replacing(#""content": "one""#, with: #""content": "one", "train": \#(same)"#)
            #expect(try learned(examples(line, tokenizer(Self.plain)).examples[0]).count == 2)
        }
        let none = Self.turns.replacing(#""content": "one""#, with: #""content": "one", "train": 0"#)
        #expect(try learned(examples(none, tokenizer(Self.plain)).examples[0]) == [bytes("two") + [2]])
    }

    @Test("Answers that the data marks are left out, and text and answers that a template hides are refused")
    func leftOut() throws {
        let line = Self.turns.replacing(#""content": "one""#, with: #""content": "one", "weight": 0"#)
        for jinja in [Self.plain, Self.marked] {
            #expect(try learned(#require(examples(line, tokenizer(jinja)).examples.first)) == [bytes("two") + [2]])
        }
        let text = message { _ = try examples(#"{"prompt": "a", "completion": "b"}"#, tokenizer(Self.plain)) }
        #expect(text.contains("data.jsonl:1: it is text, and assistant_only_loss asks for turns"), "\(text)")
        let hides =
            "{% for m in messages %}{% if m.role == 'user' or loop.last %}{{ m.content }}</s>{% endif %}{% endfor %}"
        let hidden = message { _ = try examples(Self.turns, tokenizer(hides)) }
        #expect(hidden.contains("where the chat template writes the answer of message 2 is not known"), "\(hidden)")
        let once =
            "{% for m in messages %}{% if m.role == 'user' %}{{ m.content }}{% elif loop.last %}{% generation %}{{ m.content }}</s>{% endgeneration %}{% endif %}{% endfor %}"
        let uncounted = message { _ = try examples(line, tokenizer(once)) }
        #expect(uncounted.contains("{% generation %} blocks are not one for each answer"), "\(uncounted)")
    }

    @Test("Limits cut what is learned with what is kept, and leave out what has nothing left to learn")
    func limits() throws {
        let whole = try #require(try examples(Self.turns, tokenizer(Self.plain)).examples.first)
        let count = whole.prompt.count + whole.completion.count
        func cut(_ length: Int, _ mode: TruncationMode) throws -> TokenizedCompletion? {
            let limits = try LengthLimits(maxLength: length, mode: mode)
            do {
                return try examples(Self.turns, tokenizer(Self.plain, limits)).examples.first
            } catch DataError.nothingLeft {
                return nil
            }
        }
        #expect(try cut(count, .keepStart) == whole)
        #expect(try learned(#require(try cut(count - 2, .keepStart))) == [bytes("one") + [2], bytes("tw")])
        // Nothing behind the last token to learn is kept.
        #expect(try cut(count - 4, .keepStart)?.completion == bytes("one") + [2])
        #expect(try learned(#require(try cut(count - whole.prompt.count + 1, .keepEnd))) == learned(whole))
        #expect(try learned(#require(try cut(10, .keepEnd))).last == bytes("two") + [2])
        #expect(try cut(whole.prompt.count, .keepStart) == nil)
    }

    @Test("An answer is whole whatever character it ends or begins with", arguments: ["好！", "с", "Á", "め", "\u{E000}"])
    func characters(text: String) throws {
        let line = Self.turns.replacing("\"one\"", with: "\"\(text)\"")
        for jinja in [Self.plain, Self.marked, Self.forgetful] {
            let result = try examples(line, tokenizer(jinja))
            #expect(learned(try #require(result.examples.first))[0] == bytes(text) + [2])
        }
    }

    @Test("What asks for a completion is not learned, though the template marks it, nor blocks before it")
    func askedFor() throws {
        let line =
            #"{"prompt": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}, "#
            + #"{"role": "user", "content": "r"}], "completion": [{"role": "assistant", "content": "one"}]}"#
        let header =
            "{% for m in messages %}{% if m.role == 'assistant' %}{% generation %}[assistant]{{ m.content }}</s>"
            + "{% endgeneration %}{% else %}[{{ m.role }}]{{ m.content }}</s>{% endif %}{% endfor %}"
            + "{% if add_generation_prompt %}[assistant]{% endif %}"
        let example = try #require(try examples(line, tokenizer(header)).examples.first)
        #expect(learned(example) == [bytes("one") + [2]] && example.prompt.suffix(11) == bytes("[assistant]")[...])
        // Two blocks an answer.
        let halves = header.replacing("[assistant]{{ m", with: "[assistant]{% endgeneration %}{% generation %}{{ m")
        #expect(learned(try #require(try examples(line, tokenizer(halves)).examples.first)) == [bytes("one") + [2]])
        // The generation prompt is another than what stands before the answer: tokens stay whole.
        let thinking = header.replacing(
            "{% if add_generation_prompt %}[assistant]", with: "{% if add_generation_prompt %}[assistant]<s>"
        )
        .replacing("[assistant]{{ m", with: "[assistant]</s>{{ m")
        let parted = try examples(line, tokenizer(thinking))
        #expect(learned(try #require(parted.examples.first)) == [[2] + bytes("one") + [2]])
        #expect(parted.summary.seamsEarlier == 1)
    }

    @Test("The oldest turns go first where that is asked for")
    func droppedTurns() throws {
        let whole = try #require(try examples(Self.turns, tokenizer(Self.plain)).examples.first)
        let limits = try LengthLimits(maxLength: whole.prompt.count + whole.completion.count - 1, mode: .dropTurns)
        let result = try examples(Self.turns, tokenizer(Self.plain, limits))
        let example = try #require(result.examples.first)
        #expect(example.prompt == bytes("[user]more") + [2] + bytes("\n[assistant]"))
        #expect(learned(example) == [bytes("two") + [2]] && result.summary.turnsDropped == 1)
    }

    @Test("Two BOS tokens are refused as in every other example")
    func doubleBOS() throws {
        let text = message { _ = try examples(Self.turns, tokenizer("<s><s>" + Self.plain)) }
        #expect(text.contains("two BOS tokens (id 1)"), "\(text)")
    }

    @Test("Where tokens merge across an answer's start it is tokenized apart, and said to be")
    func merged() throws {
        var tokenizer = try ExampleTokenizer(
            encoder: MergingEncoder(),
            renderer: PromptRenderer(
                template: WrittenTemplate(
                    try ChatTemplate(jinja: "{% for m in messages %}{{ m.content }}{% endfor %}"))))
        tokenizer.learnedTokens = .answers
        let result = try examples(
            #"{"messages": [{"role": "user", "content": "xa"}, {"role": "assistant", "content": "by"}]}"#, tokenizer)
        let example = try #require(result.examples.first)
        #expect(example.prompt == Array("xa".utf8).map(Int32.init) && result.summary.seamsMerged == 1)
        #expect(learned(example) == [Array("by".utf8).map(Int32.init) + [2]])
    }
}

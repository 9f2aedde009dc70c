import Foundation
import PreferenceData
import Testing
import Tokenizers

@Suite("Truncation")
struct TruncationTests {
    private let dialogue = "\n\nHuman: one\n\nAssistant: two\n\nHuman: three\n\nAssistant:"
    private let lastTurn = "\n\nHuman: three\n\nAssistant:"

    private func pair(_ prompt: String, _ chosen: String, _ rejected: String) -> PreferencePair {
        PreferencePair(
            index: 0, source: RecordSource(file: "x.jsonl", line: 9), prompt: .text(prompt), chosen: .text(chosen),
            rejected: .text(rejected))
    }

    private func cut(
        _ pair: PreferencePair, _ mode: TruncationMode, max: Int? = nil, prompt: Int? = nil, bos: Bool = false
    ) throws -> TokenizedDataset<TokenizedPair> {
        let limits = try LengthLimits(maxLength: max, maxPromptLength: prompt, mode: mode)
        return try ExampleTokenizer(encoder: ByteEncoder(addsBOS: bos), limits: limits).tokenize([pair])
    }

    @Test("keep_start cuts responses at their end, EOS with it, each by itself")
    func keepStart() throws {
        let result = try cut(pair("abcd", "123456", "78"), .keepStart, max: 8)
        #expect(result.examples[0].prompt == bytes("abcd"))
        #expect(result.examples[0].chosen == bytes("1234"))
        #expect(result.examples[0].rejected == bytes("78") + [2])
        #expect(result.summary.responsesTruncated == 1 && result.summary.promptsTruncated == 0)
        #expect(result.summary.longest == 8)
    }

    @Test("keep_start drops an example whose prompt leaves no room, and fails where none is left")
    func keepStartDrops() throws {
        let limits = try LengthLimits(maxLength: 4, mode: .keepStart)
        let tokenizer = try ExampleTokenizer(encoder: ByteEncoder(), limits: limits)
        let result = try tokenizer.tokenize([pair("abcd", "1", "2"), pair("abc", "1", "2")])
        #expect(result.examples.count == 1 && result.summary.dropped == 1 && result.summary.kept == 1)
        #expect(
            message { _ = try cut(pair("abcd", "1", "2"), .keepStart, max: 4) }
                == "no example is left of 1: every prompt is too long for max_length 4; raise them or choose another "
                + "truncation_mode")
        #expect(message { _ = try cut(pair("abcd", "1", "2"), .keepStart, prompt: 3) }.contains("max_prompt_length 3"))
    }

    @Test("keep_end cuts the prompt at its start behind BOS, by the longer response, so that both share it")
    func keepEnd() throws {
        let result = try cut(pair("abcdef", "123", "4"), .keepEnd, max: 7)
        #expect(result.examples[0].prompt == bytes("def"))
        #expect(result.examples[0].chosen == bytes("123") + [2] && result.examples[0].rejected == bytes("4") + [2])
        #expect(result.summary.promptsTruncated == 1 && result.summary.responsesTruncated == 0)
        let bos = try cut(pair("abcdef", "123", "4"), .keepEnd, max: 7, bos: true)
        #expect(bos.examples[0].prompt == [1] + bytes("ef"))
        let long = try cut(pair("abcdef", "12345678", "4"), .keepEnd, max: 5)
        #expect(long.examples[0].prompt == bytes("f") && long.examples[0].chosen == bytes("678") + [2])
        #expect(try cut(pair("abcdef", "1", "2"), .keepEnd, prompt: 2).examples[0].prompt == bytes("ef"))
    }

    @Test("drop_turns drops the oldest turns until the prompt fits, and keeps a system message")
    func dropTurns() throws {
        let room = lastTurn.utf8.count
        for limit in room..<dialogue.utf8.count {
            let result = try cut(pair(dialogue, " yes", " no"), .dropTurns, prompt: limit)
            #expect(result.examples[0].prompt == bytes(lastTurn))
            #expect(result.summary.turnsDropped == 1 && result.summary.promptsTruncated == 0)
        }
        let whole = try cut(pair(dialogue, " yes", " no"), .dropTurns, prompt: dialogue.utf8.count)
        #expect(whole.examples[0].prompt == bytes(dialogue) && whole.summary.turnsDropped == 0)
        let tight = try cut(pair(dialogue, " yes", " no"), .dropTurns, prompt: 10)
        #expect(tight.examples[0].prompt == bytes("Assistant:"))
        #expect(tight.summary.turnsDropped == 1 && tight.summary.promptsTruncated == 1)

        let turns = [("system", "S"), ("user", "a"), ("assistant", "b"), ("user", "c")]
        let chat = Prompt(
            index: 0, source: .nowhere, prompt: .messages(turns.map { ChatMessage(role: $0.0, content: $0.1) }))
        let tokenizer = try ExampleTokenizer(
            encoder: ByteEncoder(), renderer: PromptRenderer(template: BracketTemplate()),
            limits: LengthLimits(maxPromptLength: 35, mode: .dropTurns))
        let kept = try tokenizer.tokenize([chat]).examples[0].prompt
        #expect(kept == bytes("[system]S") + [2] + bytes("\n[user]c") + [2] + bytes("\n[assistant]"))
    }

    @Test("drop_turns drops as few of many turns as it takes, of texts and of messages")
    func dropFewestTurns() throws {
        let turns = (1...9).map { "\n\nHuman: \(String(repeating: "q", count: $0))\n\nAssistant: a" }
        let texts = (0..<9).map { turns[$0...].joined() + "\n\nHuman: end\n\nAssistant:" }
        for limit in texts[8].utf8.count...texts[0].utf8.count {
            let result = try cut(pair(texts[0], " yes", " no"), .dropTurns, prompt: limit)
            let longest = texts.first { $0.utf8.count <= limit }
            #expect(result.examples[0].prompt == bytes(longest ?? ""))
        }

        let messages =
            [ChatMessage(role: "system", content: "S")]
            + (1...9).flatMap {
                [
                    ChatMessage(role: "user", content: String(repeating: "q", count: $0)),
                    ChatMessage(role: "assistant", content: "a"),
                ]
            } + [ChatMessage(role: "user", content: "end")]
        func tokens(_ messages: [ChatMessage], limit: Int?) throws -> [Int32] {
            let tokenizer = try ExampleTokenizer(
                encoder: ByteEncoder(), renderer: PromptRenderer(template: BracketTemplate()),
                limits: limit.map { try LengthLimits(maxPromptLength: $0, mode: .dropTurns) } ?? .none)
            return try tokenizer.tokenize([Prompt(index: 0, source: .nowhere, prompt: .messages(messages))])
                .examples[0].prompt
        }
        let suffixes = try (0...9).map { try tokens(Array(messages[..<1] + messages[(1 + 2 * $0)...]), limit: nil) }
        for limit in suffixes[9].count...suffixes[0].count {
            #expect(try tokens(messages, limit: limit) == suffixes.first { $0.count <= limit })
        }
    }

    @Test("drop_turns without a prompt limit leaves the responses at most half of max_length")
    func dropTurnsByTotal() throws {
        let count = dialogue.utf8.count
        let fits = try cut(pair(dialogue, "12345", "6"), .dropTurns, max: count + 6)
        #expect(fits.summary.turnsDropped == 0 && fits.summary.responsesTruncated == 0)
        let dropped = try cut(pair(dialogue, "12345", "6"), .dropTurns, max: count + 5)
        #expect(dropped.examples[0].prompt == bytes(lastTurn) && dropped.examples[0].chosen == bytes("12345") + [2])
        let long = try cut(pair(dialogue, String(repeating: "x", count: 100), "6"), .dropTurns, max: 60)
        #expect(long.examples[0].prompt == bytes(lastTurn))
        #expect(long.examples[0].chosen == bytes(String(repeating: "x", count: 60 - lastTurn.utf8.count)))
    }

    @Test("error names the line, its length and the limit")
    func error() throws {
        #expect(
            message { _ = try cut(pair("abc", "12", "3"), .error, max: 5) }
                == "x.jsonl:9: 6 tokens, but max_length is 5; raise it or choose another truncation_mode")
        #expect(
            message { _ = try cut(pair("abc", "1", "2"), .error, prompt: 2) }.contains(
                "3 tokens, but max_prompt_length is 2"))
        #expect(try cut(pair("abc", "12", "3"), .error, max: 6).examples.count == 1)
    }

    @Test("Limits that leave no room are refused")
    func limits() {
        #expect(message { _ = try LengthLimits(maxLength: 1) }.hasPrefix("max_length: 1 leaves no room"))
        #expect(message { _ = try LengthLimits(maxPromptLength: 0) }.hasPrefix("max_prompt_length: 0 leaves no prompt"))
        #expect(
            message { _ = try LengthLimits(maxLength: 8, maxPromptLength: 8) }.hasPrefix("max_prompt_length: 8 leaves"))
    }

    @Test(
        "Whatever the lengths, no example exceeds the limits and none loses its prompt's end",
        arguments: TruncationMode.allCases)
    func bounds(_ mode: TruncationMode) throws {
        guard mode != .error else { return }
        var random = SplitMix64(11)
        for _ in 0..<300 {
            let texts = (0..<3).map { _ in
                String(repeating: "\n\nHuman: hi\n\nAssistant:", count: random.next(below: 3)) + "x"
            }
            let max = 2 + random.next(below: 60)
            let maxPrompt = random.next(below: 2) == 0 ? nil : 1 + random.next(below: max - 1)
            guard let result = try? cut(pair(texts[0], texts[1], texts[2]), mode, max: max, prompt: maxPrompt) else {
                #expect(mode == .keepStart)
                continue
            }
            let example = result.examples[0]
            #expect(example.prompt.count <= maxPrompt ?? max)
            #expect(example.responses.allSatisfy { !$0.isEmpty && example.prompt.count + $0.count <= max })
            #expect(bytes(texts[0]).suffix(example.prompt.count).elementsEqual(example.prompt))
        }
    }
}

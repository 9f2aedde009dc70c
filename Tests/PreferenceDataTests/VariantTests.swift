import PreferenceData
import Testing
import Tokenizers

@Suite("Variants of responses")
struct VariantTests {
    private let pair = PreferencePair(
        index: 0, source: .nowhere, prompt: .text("Name two: "), chosen: .text("tea and milk"),
        rejected: .text("ale"))

    private func variants(
        of pair: PreferencePair, limits: LengthLimits = .none, encoder: any TextEncoder = ByteEncoder(),
        _ make: @escaping (String) -> [String]
    ) throws -> TokenizedPair {
        let tokenizer = try ExampleTokenizer(encoder: encoder, limits: limits)
        var (plain, dataset) = (TokenizedDataset<TokenizedPair>(), TokenizedDataset<TokenizedPair>())
        try tokenizer.add(pair, to: &plain)
        try tokenizer.add(pair, to: &dataset, variants: make)
        let graded = try #require(dataset.examples.first)
        #expect(graded.withoutVariants == plain.examples.first)
        return graded
    }

    @Test("Are tokenized as responses to the same prompt, and end as they do")
    func tokens() throws {
        let graded = try variants(of: pair) { [String($0.dropFirst(2)), String($0.dropLast(2))] }
        #expect(graded.variants[0] == Array(graded.chosen.dropFirst(2)))
        #expect(graded.variants[1] == graded.chosen.dropLast(3) + [2])
        #expect(graded.variants.count == 4 && graded.variants[2] == bytes("e") + [2])
    }

    @Test("Of those that are the same the last is there, and none that is the response itself")
    func repeated() throws {
        let graded = try variants(of: pair) { ["x", "x", $0, ""] }
        #expect(graded.variants == [[], bytes("x") + [2], [], [2], [], bytes("x") + [2], [], [2]])
        #expect(try variants(of: pair) { [$0, $0] }.variants == [[], [], [], []])
    }

    @Test(
        "A response that was cut has none, nor one that has no room", arguments: [TruncationMode.keepStart, .keepEnd])
    func cut(mode: TruncationMode) throws {
        var pair = pair
        pair.prompt = .text("Tea: ")
        let limits = try LengthLimits(maxLength: 12, maxPromptLength: 8, mode: mode)
        let graded = try variants(of: pair, limits: limits) { _ in ["x", "a text with no room"] }
        #expect(graded.variants == [[], [], bytes("x") + [2], []])
    }

    @Test("Of messages the last turn is another; tokens that merge with the prompt's are told apart one by one")
    func messages() throws {
        let messages = { (text: String) in Content.messages([ChatMessage(role: "assistant", content: text)]) }
        let pair = PreferencePair(
            index: 0, source: .nowhere, prompt: .messages([ChatMessage(role: "user", content: "Name two")]),
            chosen: messages("tea and milk"), rejected: messages("ale"))
        let tokenizer = try ExampleTokenizer(
            encoder: ByteEncoder(), renderer: PromptRenderer(template: BracketTemplate()))
        var dataset = TokenizedDataset<TokenizedPair>()
        try tokenizer.add(pair, to: &dataset) { [String($0.prefix(3)), ""] }
        #expect(dataset.examples[0].variants == [bytes("tea") + [2], [2], [], [2]])

        let merging = PreferencePair(
            index: 0, source: .nowhere, prompt: .text("a"), chosen: .text("cb"), rejected: .text("db"))
        let graded = try variants(of: merging, encoder: MergingEncoder()) { [String($0.dropFirst()), "c"] }
        #expect(graded.variants[0] == [Int32(UInt8(ascii: "b")), 2])
        #expect(graded.prompt == [Int32(UInt8(ascii: "a"))])
    }

    @Test("Take rows behind the responses, and are not predicted")
    func rows() {
        let graded = TokenizedPair(
            index: 0, prompt: [1, 2], chosen: [3, 4], rejected: [5], variants: [[6, 7, 8], [], [], [9]])
        let batch = ResponseBatch([graded, graded])
        let plain = ResponseBatch([graded.withoutVariants, graded.withoutVariants])
        #expect(graded.tokenCount == 9 && batch.rows.tokens == [1, 2, 3, 4, 5, 6, 7, 8, 9, 1, 2, 3, 4, 5, 6, 7, 8, 9])
        #expect(batch.predictions.tokens == plain.predictions.tokens && batch.sequenceCount == 4)
        #expect(batch.asideLastRows == [7, nil, nil, 8, 16, nil, nil, 17] && plain.asideLastRows.isEmpty)
        #expect(batch.rows.positions[5...8] == [2, 3, 4, 2])
    }
}

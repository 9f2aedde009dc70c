import PreferenceData
import Testing

@Suite("Variants of responses")
struct VariantTests {
    private let pair = PreferencePair(
        index: 0, source: .nowhere, prompt: .text("Name two: "), chosen: .text("tea and milk"),
        rejected: .text("ale"))

    @Test("Are tokenized as responses to the same prompt, and end as they do")
    func tokens() throws {
        let tokenizer = try ExampleTokenizer(encoder: ByteEncoder())
        var (plain, dataset) = (TokenizedDataset<TokenizedPair>(), TokenizedDataset<TokenizedPair>())
        try tokenizer.add(pair, to: &plain)
        try tokenizer.add(pair, to: &dataset) { [$0, String($0.dropFirst(2))] }
        let graded = try #require(dataset.examples.first)
        #expect(graded.withoutVariants == plain.examples.first)
        #expect(graded.variants[0] == graded.chosen && graded.variants[2] == graded.rejected)
        #expect(graded.variants[1] == Array(graded.chosen.dropFirst(2)))
    }

    @Test("Take rows behind the responses, and are not predicted")
    func rows() {
        let graded = TokenizedPair(
            index: 0, prompt: [1, 2], chosen: [3, 4], rejected: [5], variants: [[6, 7, 8], [9]])
        let batch = ResponseBatch([graded, graded])
        let plain = ResponseBatch([graded.withoutVariants, graded.withoutVariants])
        #expect(graded.tokenCount == 9 && batch.rows.tokens == [1, 2, 3, 4, 5, 6, 7, 8, 9, 1, 2, 3, 4, 5, 6, 7, 8, 9])
        #expect(batch.predictions.tokens == plain.predictions.tokens && batch.sequenceCount == 4)
        #expect(batch.asideLastRows == [7, 8, 16, 17] && plain.asideLastRows.isEmpty)
        #expect(batch.rows.positions[5...8] == [2, 3, 4, 2])
    }
}

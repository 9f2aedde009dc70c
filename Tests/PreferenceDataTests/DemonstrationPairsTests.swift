import PreferenceData
import Testing

@Suite("Demonstrations before samples")
struct DemonstrationPairsTests {
    private func completions(_ rows: [(prompt: String, text: String)]) -> [PromptCompletion] {
        rows.enumerated().map { index, row in
            PromptCompletion(
                index: index, source: RecordSource(file: "a", line: index + 1), prompt: .text(row.prompt),
                completion: .text(row.text))
        }
    }

    @Test("Every demonstration and sample of a prompt is in a pair, and those of other prompts are counted")
    func matched() {
        let demonstrations = completions([("a", "1"), ("b", "2"), ("a", "3"), ("c", "4"), ("d", "5")])
        let samples = completions([("b", "x"), ("a", "y"), ("b", "z"), ("d", "v"), ("e", "w")])
        let matched = DemonstrationPairs(demonstrations, before: samples)
        let texts = matched.pairs.map { [$0.prompt, $0.chosen, $0.rejected] }
        let expected = [["a", "1", "y"], ["a", "3", "y"], ["b", "2", "x"], ["b", "2", "z"], ["d", "5", "v"]]
        #expect(texts == expected.map { $0.map { Content.text($0) } })
        #expect(matched.pairs.map(\.index) == [0, 1, 2, 3, 4])
        #expect(matched.withoutSample == 1 && matched.withoutDemonstration == 1)
    }

    @Test("A conversation is not the text that it holds")
    func layouts() {
        var talk = completions([("a", "1")])
        talk[0].prompt = .messages([])
        let matched = DemonstrationPairs(completions([("[]", "1")]), before: talk)
        #expect(matched.pairs.isEmpty && matched.withoutSample == 1 && matched.withoutDemonstration == 1)
    }
}

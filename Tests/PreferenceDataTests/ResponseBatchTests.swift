import PreferenceData
import Testing
import Transformers

@Suite("Packing micro-batches")
struct ResponseBatchTests {
    @Test("A pair is prompt, chosen, rejected; predictions start at the prompt's last row")
    func pairByHand() {
        let batch = ResponseBatch([
            TokenizedPair(index: 7, prompt: [1, 2, 3], chosen: [4, 5], rejected: [6]),
            TokenizedPair(index: 9, prompt: [8], chosen: [9], rejected: [10]),
        ])
        #expect(batch.rows.tokens == [1, 2, 3, 4, 5, 6, 8, 9, 10])
        #expect(batch.rows.positions == [0, 1, 2, 3, 4, 3, 0, 1, 1])
        #expect(batch.predictions.rows == [2, 3, 2, 6, 6])
        #expect(batch.predictions.tokens == [4, 5, 6, 9, 10])
        #expect(batch.predictions.sequences == [0, 0, 1, 2, 3])
        #expect(batch.lastRows == [4, 5, 7, 8])
        #expect(batch.responseRows == [3..<5, 5..<6, 7..<8, 8..<9])
        #expect(batch.indices == [7, 9])
        #expect(batch.tokenCount == 9 && batch.sequenceCount == 4)
    }

    @Test("An empty prompt predicts from the second token on; a prompt alone is a sequence to score")
    func edges() {
        let text = ResponseBatch([TokenizedCompletion(index: 0, prompt: [], completion: [5, 6, 7])])
        #expect((text.predictions.rows, text.predictions.tokens) == ([0, 1], [6, 7]))
        #expect(text.lastRows == [2])
        let prompts = ResponseBatch([
            TokenizedPrompt(index: 0, prompt: [1, 2]), TokenizedPrompt(index: 1, prompt: [3]),
        ])
        #expect(prompts.lastRows == [1, 2] && prompts.predictions.count == 0)
        #expect(prompts.rows.segments == [.init(start: 0, count: 2), .init(start: 2, count: 1)])
    }

    @Test("With padding, a sequence is scored at its last other token, in the prompt where need be, else at its first")
    func padding() {
        let batch = ResponseBatch([
            TokenizedPair(index: 0, prompt: [1, 3], chosen: [4, 2], rejected: [2]),
            TokenizedPair(index: 1, prompt: [2], chosen: [2, 2], rejected: [5]),
        ])
        #expect(batch.rows.tokens == [1, 3, 4, 2, 2, 2, 2, 2, 5])
        #expect(batch.scoredRows(padding: 2) == [2, 1, 5, 8])
        #expect(batch.scoredRows(padding: nil) == batch.lastRows && batch.scoredRows(padding: 9) == batch.lastRows)
    }

    @Test(
        "Over all ranks and micro-batches, every pair is predicted once, each token from exactly what stands before it")
    func coversEverythingOnce() {
        var random = SplitMix64(4)
        for _ in 0..<100 {
            let pairs = (0..<random.next(below: 25)).map { index in
                TokenizedPair(
                    index: index, prompt: random.tokens(0, 12), chosen: random.tokens(1, 9),
                    rejected: random.tokens(1, 9))
            }
            let ranks = 1 + random.next(below: 5)
            let budget = 1 + random.next(below: 60)
            var seen: [Int] = []
            for rank in 0..<ranks {
                for batch in ResponseBatch.microBatches(pairs, share: rank, of: ranks, maxTokens: budget) {
                    #expect(batch.tokenCount <= budget || batch.indices.count == 1)
                    seen += batch.indices
                    let expected = batch.indices.flatMap { [($0, pairs[$0].chosen), ($0, pairs[$0].rejected)] }
                    #expect(batch.sequenceCount == expected.count)
                    for (sequence, (index, response)) in expected.enumerated() {
                        check(batch, sequence, pairs[index].prompt, response)
                    }
                }
            }
            #expect(seen.sorted() == Array(pairs.indices))
        }
    }

    /// Rebuilds what each predicting row sees from the segments alone, and compares it with the unpacked sequence.
    private func check(_ batch: ResponseBatch, _ sequence: Int, _ prompt: [Int32], _ response: [Int32]) {
        let whole = prompt + response
        let predictions = zip(batch.predictions.sequences, zip(batch.predictions.rows, batch.predictions.tokens))
            .filter { $0.0 == Int32(sequence) }.map(\.1)
        let skipped = prompt.isEmpty ? 1 : 0
        #expect(predictions.map(\.1) == Array(response.dropFirst(skipped)))
        for (place, prediction) in predictions.enumerated() {
            let position = prompt.count + skipped + place
            #expect(context(batch.rows, Int(prediction.0)) == Array(whole[..<position]))
            #expect(batch.rows.positions[Int(prediction.0)] == Int32(position - 1))
        }
        #expect(context(batch.rows, Int(batch.lastRows[sequence])) == whole)
        #expect(batch.responseRows[sequence].map { batch.rows.tokens[$0] } == response)
    }

    private func context(_ rows: PackedRows, _ row: Int) -> [Int32] {
        let segment = rows.segments.filter { $0.rows.contains(row) }
        guard segment.count == 1 else { return [] }
        return (Array(segment[0].prefix) + Array(segment[0].start...row)).map { rows.tokens[$0] }
    }
}

extension SplitMix64 {
    fileprivate mutating func tokens(_ least: Int, _ most: Int) -> [Int32] {
        (0..<least + next(below: most - least + 1)).map { _ in Int32(next(below: 1000)) }
    }
}

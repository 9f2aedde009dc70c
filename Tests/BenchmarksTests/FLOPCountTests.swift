import Benchmarks
import PreferenceData
import TestSupport
import Testing
import Transformers

@Suite("Counting the arithmetic that a batch needs")
struct FLOPCountTests {
    private let specification: DecoderSpecification

    init() throws {
        specification = try ModelConfiguration(directory: TestSupport.fixture("models/llama")).specification
    }

    private var attention: LayerSpecification.Attention { specification.layers[0].attention }
    private var innerWidth: Int { specification.layers[0].feedForward.width }

    /// Products and sums of a forward pass over whole sequences without anything shared, matrix by matrix.
    private func plain(lengths: [Int], predictions: Int) -> Double {
        let width = specification.width, heads = attention.heads, channels = attention.channels
        let keys = attention.keyValueHeads * channels
        var products = 0
        for length in lengths {
            for layer in 1...specification.layers.count {
                products += length * width * heads * channels
                products += 2 * length * width * keys
                if layer < specification.layers.count {
                    products += length * heads * channels * width
                    products += 3 * length * width * innerWidth
                }
                for row in 1...length { products += 2 * heads * row * channels }
            }
        }
        products += predictions * (heads * channels * width + 3 * width * innerWidth)
        products += predictions * width * specification.vocabularySize
        return 2 * Double(products)
    }

    private func tokens(_ count: Int) -> [Int32] { Array(repeating: 3, count: count) }

    @Test("A batch of single sequences costs what its matrices cost, added up one by one")
    func sequences() {
        let examples = [(5, 7), (1, 3), (12, 4)].enumerated().map { index, lengths in
            TokenizedCompletion(index: index, prompt: tokens(lengths.0), completion: tokens(lengths.1))
        }
        let count = FLOPCount(specification, head: .languageModel)
        let batch = ResponseBatch(examples)
        #expect(count.forward(batch) == plain(lengths: [12, 4, 16], predictions: 14))
        #expect(count.training(batch) == 3 * count.forward(batch))
    }

    @Test("A prompt that two responses share is counted once, and attention to it twice")
    func sharedPrompt() {
        let pair = ResponseBatch([
            TokenizedPair(index: 0, prompt: tokens(10), chosen: tokens(4), rejected: tokens(6))
        ])
        let count = FLOPCount(specification, head: .languageModel)
        // Both responses' first tokens are predicted at the same row.
        let apart = plain(lengths: [14, 16], predictions: 9)
        let prompt = plain(lengths: [10], predictions: 0)
        #expect(count.forward(pair) == apart - prompt)
    }

    @Test("A score costs one product a channel at each sequence's end, and the last block's feed-forward there")
    func scores() {
        let batch = ResponseBatch([TokenizedPair(index: 0, prompt: tokens(3), chosen: tokens(2), rejected: tokens(2))])
        let body = FLOPCount(specification, head: .languageModel).forward(batch.rows, predicting: [])
        let scored = FLOPCount(specification, head: .score).forward(batch)
        let (width, heads) = (specification.width, attention.queryWidth)
        #expect(scored == body + 2 * 2 * Double(heads * width + 3 * width * innerWidth + width))
    }

    @Test("Drawing tokens with a cache costs as much as one pass over all of them but the last")
    func generation() {
        let count = FLOPCount(specification, head: .languageModel)
        #expect(count.generation(prompt: 9, count: 5) == plain(lengths: [13], predictions: 5))
    }
}

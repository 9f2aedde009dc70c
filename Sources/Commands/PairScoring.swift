import Foundation
import JSON
import PreferenceData
import Runs
import Torch
import Training
import Transformers

/// Log-probabilities, and rewards, of both responses of preference pairs, written back beside them.
package struct PairScoring {
    /// The policy whose log-probabilities are taken.
    package var text: TextSettings
    /// Files of preference pairs.
    package var data: [String]
    /// The file that is written.
    package var output: String
    /// The directory of a reward model; it reads the pairs by its own tokenizer where it has one.
    package var reward: String?
    /// How long examples may be.
    package var limits = LengthLimits.none
    /// Most tokens in one forward pass.
    package var maxTokensPerMicroBatch = 4096

    /// Pairs that are scored between two signs of life.
    private static let pairsAtOnce = 64

    /// The scoring of all pairs of `data` under the model of `text`, without a reward.
    package init(_ text: TextSettings, data: [String], output: String) {
        self.text = text
        self.data = data
        self.output = output
    }

    /// Scores all pairs and writes them in their order, with every field they came with and `chosen_logps`,
    /// `rejected_logps`, and given a reward model `chosen_reward` and `rejected_reward`.
    ///
    /// Log-probabilities are sums over the response with its end token, in nats; rewards are the model's own scores at
    /// the last token that is not its padding. A pair that the limits drop keeps its line with `null` in these fields.
    package func run(progress output: ProgressOutput) throws {
        try TorchRuntime.startAlone()
        let read = try OptionNames.naming { try TextSettings.read(PreferencePair.self, data) }
        let records = read.records
        let passes = try self.passes(over: records)
        let writer = try JSONLWriter(URL(filePath: self.output), sparing: data.map { URL(filePath: $0) })
        let display = ProgressDisplay(output)
        // Pairs that the limits drop are not scored.
        let count = passes.reduce(0) { $0 + $1.data.examples.count }
        var done = 0
        display.begin(
            StageProgress(name: "score", position: 1, of: 1, total: count, unit: "pair"))
        var fields = records.map(\.fields)
        for pass in passes {
            for field in pass.fields {
                for index in fields.indices { fields[index][field] = .null }
            }
            let examples = pass.data.examples
            for start in stride(from: 0, to: examples.count, by: Self.pairsAtOnce) {
                let part = Array(examples[start..<min(examples.count, start + Self.pairsAtOnce)])
                for (index, values) in try pass.score(part) {
                    for (field, value) in zip(pass.fields, values) {
                        guard let number = JSON(value) else {
                            throw ModelOutputError("\(text.model): \(field) of pair \(index)", value)
                        }
                        fields[index][field] = number
                    }
                }
                done += part.count
                display.update(step: done)
            }
        }
        display.message(read.reading.text(with: passes[0].data.summary))
        display.end()
        for object in fields { try writer.write(object) }
        try writer.finish()
    }

    /// One model's way over all pairs.
    private struct Pass {
        /// The fields that are written: chosen, rejected.
        var fields: [String]
        var data: TokenizedDataset<TokenizedPair>
        /// The values of `fields` by the pair's index.
        var score: ([TokenizedPair]) throws -> [(Int, [Double])]
    }

    private func passes(over records: [PreferencePair]) throws -> [Pass] {
        let pipeline = try text.pipeline()
        let policy = try text.load(head: .languageModel, text: pipeline)
        let data = try tokenize(records, pipeline, for: policy)
        let maxTokens = maxTokensPerMicroBatch
        let logps = Pass(fields: ["chosen_logps", "rejected_logps"], data: data) { pairs in
            ReferenceLogps.sums(of: pairs, under: policy, maxTokens: maxTokens).map {
                ($0.index, [$0.logps.chosen, $0.logps.rejected])
            }
        }
        guard let reward else { return [logps] }
        let tokenizer = ModelDirectory.tokenizer(of: URL(filePath: reward)).appending(path: "tokenizer.json")
        let hasTokenizer = FileManager.default.fileExists(atPath: tokenizer.path)
        var rewardText = text
        rewardText.model = reward
        let rewardPipeline = hasTokenizer ? try rewardText.pipeline() : pipeline
        let model = try rewardText.load(head: .score, text: rewardPipeline)
        let scorer = ModelScorer(model, named: reward, maxTokens: maxTokens)
        let rewards = Pass(
            fields: ["chosen_reward", "rejected_reward"], data: try tokenize(records, rewardPipeline, for: model)
        ) { pairs in
            try scorer.pairScores(pairs).map { ($0.index, [$0.chosenReward, $0.rejectedReward]) }
        }
        return [logps, rewards]
    }

    private func tokenize(
        _ records: [PreferencePair], _ pipeline: TextPipeline, for model: DecoderModel
    ) throws -> TokenizedDataset<TokenizedPair> {
        let data = try OptionNames.naming(truncates: true) {
            try TextSettings.exampleTokenizer(pipeline, limits).tokenize(records)
        }
        try model.check(length: data.summary.longest, remedy: "cut examples with --max-length")
        return data
    }
}

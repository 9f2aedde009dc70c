import PreferenceData
import Runs
import Stages
import Training

extension Bench {
    /// The pass over all pairs that DPO makes for its reference; each repeat takes six batches.
    func scoring() throws -> Measurement {
        let model = try model(.languageModel, trainable: false)
        let flops = FLOPCount(specification, head: .languageModel)
        let pairs = workload.batch(0, size: 6 * options.trainBatchSize)
        let mine = share(of: pairs, size: \.tokenCount)
        let batches = ResponseBatch.microBatches(mine, maxTokens: options.maxTokensPerMicroBatch)
        var logps: [(index: Int, logps: ReferenceLogps)] = []
        var measurement = try measure("scoring", unit: "pairs") { _ in
            logps = ReferenceLogps.sums(of: mine, under: model, maxTokens: options.maxTokensPerMicroBatch)
            return (mine.count, batches.reduce(0) { $0 + flops.forward($1) })
        }
        logps.sort { $0.index < $1.index }
        measurement.values = [
            "index": logps.map { Double($0.index) }, "chosen_logps": logps.map(\.logps.chosen),
            "rejected_logps": logps.map(\.logps.rejected),
        ]
        return measurement
    }
}

import Runs

extension TrainingLoopOptions {
    /// The better of the best so far and a step that was just evaluated; the earlier of equals, as in transformers.
    ///
    /// - Throws: ``RunError`` where the evaluation has no metric of that name.
    package func best(_ best: BestCheckpoint?, step: Int, metrics: MetricValues) throws -> BestCheckpoint? {
        guard let value = metrics[metricForBestModel] else {
            let names = metrics.names.filter { $0.hasPrefix("eval_") }.joined(separator: ", ")
            throw RunError.other("metric_for_best_model: there is no \(metricForBestModel); write one of \(names)")
        }
        guard value.isFinite else { return best }
        guard let best, isGreaterBetter ? value <= best.metric : value >= best.metric else {
            return BestCheckpoint(metric: value, step: step)
        }
        return best
    }

    private var isGreaterBetter: Bool { greaterIsBetter ?? !metricForBestModel.hasSuffix("loss") }
}

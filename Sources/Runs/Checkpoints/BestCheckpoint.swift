/// The checkpoint that did best on held-out data so far.
package struct BestCheckpoint: Sendable, Equatable {
    /// Its figure, of the metric that `metric_for_best_model` names.
    package var metric: Double
    package var step: Int

    package init(metric: Double, step: Int) {
        (self.metric, self.step) = (metric, step)
    }
}

extension TrainerState {
    /// The best checkpoint so far.
    package var best: BestCheckpoint? {
        get {
            guard let bestMetric, let bestStep else { return nil }
            return BestCheckpoint(metric: bestMetric, step: bestStep)
        }
        set { (bestMetric, bestStep) = (newValue?.metric, newValue?.step) }
    }
}

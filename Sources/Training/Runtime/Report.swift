/// What a worker tells the orchestrator.
package enum Report: Sendable, Codable {
    /// The stage begins, or goes on from `step`. `total` is `nil` where it is not known.
    case began(total: Int?, unit: String, step: Int)
    /// A step is done. Only the first worker or learner says so.
    case step(Int, MetricValues)
    /// So many units of this worker's share are done, in stages whose steps are counted over all workers.
    case advanced(Int)
    /// A line for the person who watches.
    case note(String)
    /// Scores of some items of the stage's data.
    case scores([ItemScores])
    /// Responses that were drawn, with their scores.
    case samples([SampledResponse])
    /// Responses for one PPO step; the payload holds an ``ExperienceBatch``.
    case experience(step: Int)
    /// A checkpoint is about to be written; the answer is ``Order/save(_:)``.
    case saving
    /// The worker is through with the stage.
    case finished
    /// The worker has left the stage for the run to stop, `step` steps of it being done and saved.
    case stopped(step: Int?, StopReason)
}

/// What the orchestrator tells a worker.
package enum Order: Sendable, Codable {
    /// Run the stage of this index, from its checkpoint at that step where there is one, or less the items that are done.
    case run(stage: Int, checkpoint: Int?, done: Set<ItemKey>)
    /// Learn from a share of a step's responses; the payload holds an ``ExperienceBatch``.
    case learn(step: Int)
    /// The disk has all metrics that were reported, up to here: write the checkpoint.
    case save(MetricsState)
    /// The run is over.
    case end
}

/// The scores of one item, by its index in the stage's data.
package struct ItemScores: Sendable, Codable, Equatable {
    package var index: Int
    package var scores: [Double]
}

/// One response that was drawn and scored.
package struct SampledResponse: Sendable, Codable, Equatable {
    /// Which policy of the stage drew it.
    package var policy: Int
    /// The prompt's index in the stage's data.
    package var index: Int
    /// Which of the prompt's responses it is.
    package var sample: Int
    /// The response as text, special tokens left out.
    package var text: String
    /// How many tokens it has.
    package var length: Int
    /// Whether it ended by itself.
    package var isFinished: Bool
    /// The reward or the judge's score.
    package var score: Double

    /// What it belongs to.
    package var key: ItemKey { ItemKey(index: index, policy: policy) }
}

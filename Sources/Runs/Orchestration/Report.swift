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
    /// A message of the stage's own kind, for its coordinator.
    case stage(kind: String)
    /// A checkpoint is about to be written; the answer is ``Order/save(_:)``.
    case saving
    /// The worker is through with the stage.
    case finished
    /// The worker has left the stage for the run to stop, `step` steps of it being done and saved.
    case stopped(step: Int?, StopReason)
    /// The worker has failed, and waits for the job to be ended.
    case failed(WorkerFailure)
}

/// What the orchestrator tells a worker.
package enum Order: Sendable, Codable {
    /// Run the stage of this index, from its checkpoint at that step where there is one, or less the items that are done.
    case run(stage: Int, checkpoint: Int?, done: Set<ItemKey>)
    /// A message of the stage's own kind, from its coordinator.
    case stage(kind: String)
    /// The disk has all metrics that were reported, up to here: write the checkpoint.
    case save(MetricsState)
    /// The run is over.
    case end
}

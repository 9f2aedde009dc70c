/// What a rank spends its time on: the names of `timing/*` metrics and of the spans in a trace.
package enum Phase: String, Sendable, CaseIterable {
    /// A stage of the run.
    case stage
    /// An optimizer step of an offline stage, or a step of PPO.
    case step
    /// Responses are drawn.
    case generation
    /// Frozen models run on responses.
    case scoring
    /// Forward passes of models in training, with their losses.
    case forward
    /// Backward passes.
    case backward
    /// The gradient's norm, clipping and the update.
    case optimizer
    /// Messages on their way, once all ranks are there.
    case communication
    /// Nothing, until other ranks are there or an order comes.
    case waiting
    /// A checkpoint is written.
    case checkpoint
    /// Rank zero handles a worker's report.
    case routing
}

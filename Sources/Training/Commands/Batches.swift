/// How the batches of a stage are divided.
struct Batches: Equatable {
    /// What the stage reads: `pairs`, `prompts`.
    var unit: String
    /// How much of it; `nil` where only an earlier stage will tell.
    var count: ExampleCounter.Count?
    /// What an optimizer step, or PPO's step, takes over all ranks; `nil` for a stage that goes through its data once.
    var size: Int?
    /// Ranks that divide it.
    var learners: Int
    /// Most tokens of a forward and backward pass.
    var maxTokens: Int
    /// Steps, where they are known.
    var steps: Int?
    /// What else the arithmetic has.
    var note = ""
    /// What biases the stage's result.
    var warning: String?

    /// Passes that a learner makes for its share of a step, at the mean length of examples.
    var microBatches: Int? {
        guard let size, let count, let tokens = count.tokens, count.examples > 0 else { return nil }
        let mean = Double(tokens) / Double(count.examples)
        let share = mean * Double(min(size, count.examples)) / Double(learners)
        return max(1, Int((share / Double(maxTokens)).rounded(.up)))
    }
}

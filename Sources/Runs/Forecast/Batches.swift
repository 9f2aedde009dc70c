/// How the batches of a stage are divided.
package struct Batches: Equatable {
    /// What the stage reads: `pairs`, `prompts`.
    package var unit: String
    /// How much of it; `nil` where only an earlier stage will tell.
    package var count: ExampleCount?
    /// What an optimizer step, or PPO's step, takes over all ranks; `nil` for a stage that goes through its data once.
    package var size: Int?
    /// Ranks that divide it.
    package var learners: Int
    /// Most tokens of a forward and backward pass.
    package var maxTokens: Int
    /// Steps, where they are known.
    package var steps: Int?
    /// What else the arithmetic has.
    package var note = ""
    /// What biases the stage's result.
    package var warning: String?

    package init(
        unit: String, count: ExampleCount? = nil, size: Int? = nil, learners: Int, maxTokens: Int, steps: Int? = nil,
        note: String = "", warning: String? = nil
    ) {
        (self.unit, self.count, self.size, self.learners, self.maxTokens, self.steps, self.note, self.warning) = (
            unit, count, size, learners, maxTokens, steps, note, warning
        )
    }

    /// Passes that a learner makes for its share of a step, at the mean length of examples.
    package var microBatches: Int? {
        guard let size, let count, let tokens = count.tokens, count.examples > 0 else { return nil }
        let mean = Double(tokens) / Double(count.examples)
        let share = mean * Double(min(size, count.examples)) / Double(learners)
        return max(1, Int((share / Double(maxTokens)).rounded(.up)))
    }
}

import PreferenceData

/// Which prompts of a step have responses drawn, and for which the data's own pairs stand: a function of seed and step.
package struct PromptMixture {
    private let batches: StepBatches
    private let share: Double
    private let seed: UInt64

    /// - Parameter share: That of the prompts that are drawn.
    package init(_ batches: StepBatches, share: Double, seed: UInt64) {
        (self.batches, self.share, self.seed) = (batches, share, seed)
    }

    /// The prompts that are answered, in the order of the step.
    package func drawn(atStep step: Int) -> [Int] { divided(step).drawn }

    /// The prompts whose pairs are the data's.
    package func given(atStep step: Int) -> [Int] { divided(step).given }

    private func divided(_ step: Int) -> (drawn: [Int], given: [Int]) {
        let batch = batches.batch(atStep: step)
        guard share < 1 else { return (batch, []) }
        let order = permutation(count: batch.count, seed: seed &+ UInt64(step), epoch: Self.stream)
        let count = Int((share * Double(batch.count)).rounded())
        return (order.prefix(count).sorted().map { batch[$0] }, order.dropFirst(count).sorted().map { batch[$0] })
    }

    /// Tells this order from others of the same seed.
    private static let stream = 0x5A11
}

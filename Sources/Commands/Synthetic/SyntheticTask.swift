import Foundation
import Runs
import Training

/// A preference task that needs no outside model or data: guests order, waiters answer.
///
///     Guest: rice, tea, pie.
///     Waiter: certainly, tea, rice, pie. enjoy!
///
/// The right answer depends on the prompt. `GoldScore` says what an answer is worth; answers are written by waiters of
/// mixed skill; a label prefers one of two answers with the Bradley-Terry probability
/// `sigmoid((gold(a) - gold(b)) / labelTemperature)`, so labels of pairs with a small gap are noisy.
package struct SyntheticTask: Sendable {
    /// How much of each kind is written.
    package struct Sizes: Hashable, Sendable {
        /// Prompts with one answer each, to learn to answer from.
        package var demonstrations = 4000
        /// Labelled pairs to train on.
        package var pairs = 8000
        /// Labelled pairs about held-out orders.
        package var evaluationPairs = 500
        /// Held-out orders, all different.
        package var evaluationPrompts = 400

        /// The sizes of the quickstart.
        package init() {}
    }

    /// A prompt with one answer.
    package struct Demonstration: Hashable, Codable, Sendable {
        /// The order as text.
        package let prompt: String
        /// A waiter's answer.
        package let completion: String
    }

    /// Two answers to one prompt with the label that a person gave.
    package struct Pair: Hashable, Codable, Sendable {
        /// The order as text.
        package let prompt: String
        /// The preferred answer.
        package let chosen: String
        /// The other answer.
        package let rejected: String
    }

    /// A prompt alone.
    package struct Prompt: Hashable, Codable, Sendable {
        /// The order as text.
        package let prompt: String
    }

    /// The gap in gold score at which a label is right with probability `sigmoid(1)`, 73 %.
    package static let labelTemperature = 0.5

    /// How much of each kind is written.
    package let sizes: Sizes

    /// All randomness comes from here.
    package let seed: UInt64

    /// The held-out orders; none occurs in what is trained on.
    package let evaluationOrders: [GuestOrder]

    /// The task of `seed`.
    ///
    /// - Throws: `SyntheticTaskError.tooManyHeldOut` where the evaluation would take most of the orders there are.
    package init(seed: UInt64, sizes: Sizes = Sizes()) throws {
        guard sizes.evaluationPrompts <= Self.mostHeldOut else {
            throw SyntheticTaskError.tooManyHeldOut(asked: sizes.evaluationPrompts, most: Self.mostHeldOut)
        }
        self.seed = seed
        self.sizes = sizes
        var generator = SyntheticGenerator(seed: seed, stream: Stream.evaluationPrompts.rawValue)
        var seen: Set<GuestOrder> = []
        var orders: [GuestOrder] = []
        while orders.count < sizes.evaluationPrompts {
            let order = Self.anyOrder(using: &generator)
            if seen.insert(order).inserted { orders.append(order) }
        }
        evaluationOrders = orders
        heldOut = seen
    }

    /// Held-out prompts.
    package func evaluationPrompts() -> [Prompt] { evaluationOrders.map { Prompt(prompt: $0.prompt) } }

    /// Prompts with answers of mixed quality.
    package func demonstrations() -> [Demonstration] {
        var generator = SyntheticGenerator(seed: seed, stream: Stream.demonstrations.rawValue)
        return (0..<sizes.demonstrations).map { _ in
            let order = trainingOrder(using: &generator)
            return Demonstration(prompt: order.prompt, completion: Self.anyAnswer(to: order, using: &generator))
        }
    }

    /// Labelled pairs to train on.
    package func pairs() -> [Pair] {
        var generator = SyntheticGenerator(seed: seed, stream: Stream.pairs.rawValue)
        return (0..<sizes.pairs).map { _ in Self.pair(for: trainingOrder(using: &generator), using: &generator) }
    }

    /// Labelled pairs about held-out orders.
    package func evaluationPairs() -> [Pair] {
        guard !evaluationOrders.isEmpty else { return [] }
        var generator = SyntheticGenerator(seed: seed, stream: Stream.evaluationPairs.rawValue)
        return (0..<sizes.evaluationPairs).map {
            Self.pair(for: evaluationOrders[$0 % evaluationOrders.count], using: &generator)
        }
    }

    // There are 720 orders of three items, half of what is held out; two thirds of them stay for training.
    private static let mostHeldOut = 480

    private enum Stream: UInt64 {
        case evaluationPrompts, evaluationPairs, demonstrations, pairs
    }

    private let heldOut: Set<GuestOrder>

    private static func anyOrder(using generator: inout SyntheticGenerator) -> GuestOrder {
        GuestOrder(items: generator.sample(generator.pick([3, 4]), of: Menu.items))
    }

    private func trainingOrder(using generator: inout SyntheticGenerator) -> GuestOrder {
        while true {
            let order = Self.anyOrder(using: &generator)
            if !heldOut.contains(order) { return order }
        }
    }

    private static func anyAnswer(to order: GuestOrder, using generator: inout SyntheticGenerator) -> String {
        Waiter(using: &generator).answer(to: order, using: &generator)
    }

    private static func pair(for order: GuestOrder, using generator: inout SyntheticGenerator) -> Pair {
        let first = anyAnswer(to: order, using: &generator)
        var second = first
        while second == first { second = anyAnswer(to: order, using: &generator) }
        let gap =
            GoldScore(order: order, completion: first).total - GoldScore(order: order, completion: second).total
        let prefersFirst = generator.chance(1 / (1 + exp(-gap / labelTemperature)))
        return Pair(
            prompt: order.prompt, chosen: prefersFirst ? first : second, rejected: prefersFirst ? second : first)
    }
}

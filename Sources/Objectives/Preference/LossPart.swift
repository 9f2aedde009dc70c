import Configuration
import Torch

/// A part of a preference loss: a ``Reduction``, a ``PairScore`` or a ``Link``.
///
/// A part says what it needs, and what is not needed by any part of a loss is not computed. Parts are pure functions of
/// tensors; what they carry from step to step is handed to them and kept by whoever trains.
package protocol LossPart: Sendable {
    /// The part's own options, which appear among the keys of the stage that trains with it.
    associatedtype Options: LossOptions = NoLossOptions

    /// The name that `reduction`, `score` or `link` takes; in snake case, that of the type where it is not told.
    static var name: String { get }

    init(_ options: Options)

    /// The part as settings have it, from its own options and those that it shares with other parts.
    init(settings: LossSettings)

    /// The types of all options that it reads.
    static var optionTypes: [any LossOptions.Type] { get }

    /// Why the part cannot be used with the options that it was made of; `nil` where it can.
    var conflict: LossConflict? { get }

    /// What the part reads beside sums of the policy's log-probabilities.
    var needs: LossNeeds { get }

    /// What the part carries from step to step, at the start; checkpoints keep it. Empty for nothing.
    var initialState: [Double] { get }

    /// How many numbers ``observations(of:in:)`` gives.
    var observationCount: Int { get }

    /// What a micro-batch adds to the sums over the whole step that the state moves by; ``PairBatch/state`` is the
    /// part's own.
    func observations(of scores: PairScores, in batch: PairBatch) -> [Double]

    /// The state after a step whose sums over all micro-batches and ranks are `observations`.
    func state(after observations: [Double], from state: [Double]) -> [Double]
}

extension LossPart {
    package init(settings: LossSettings) { self.init(settings[Options.self]) }
    package static var optionTypes: [any LossOptions.Type] { [Options.self] }

    package static var name: String { "\(Self.self)".snakeCased }
    package var conflict: LossConflict? { nil }
    package var needs: LossNeeds { LossNeeds() }
    package var initialState: [Double] { [] }
    package var observationCount: Int { 0 }
    package func observations(of scores: PairScores, in batch: PairBatch) -> [Double] { [] }
    package func state(after observations: [Double], from state: [Double]) -> [Double] { state }
}

/// Options that do not go together, or with the loss that is asked for.
package struct LossConflict: Error, Equatable {
    /// The key that is named.
    package let key: String
    package let problem: String
    /// A way out.
    package let remedy: String

    package init(_ key: String, _ problem: String, _ remedy: String) {
        (self.key, self.problem, self.remedy) = (key, problem, remedy)
    }
}

extension String {
    /// `LogRatio` as `log_ratio`.
    fileprivate var snakeCased: String {
        var name = ""
        var before: Character = "_"
        for character in self {
            if character.isUppercase, before.isLowercase { name += "_" }
            name += character.lowercased()
            before = character
        }
        return name
    }
}

extension LossPart where Options == NoLossOptions {
    /// The part, which has no options.
    package init() { self.init(NoLossOptions()) }
}

/// From log-probabilities of a response's tokens, or differences of such, to a number a response.
///
/// It is linear in what it is given and treats policy and references alike.
package protocol Reduction: LossPart {
    /// - Parameters:
    ///   - logps: log-probabilities, or their differences to a reference's; with tokens where the loss needs them.
    ///   - batch: whose they are.
    func callAsFunction(_ logps: PairLogps, in batch: PairBatch) -> PairNumbers

    /// How many tokens of each response it takes in, by which ``Mean`` divides.
    func counts(in batch: PairBatch) -> (chosen: [Int], rejected: [Int])
}

extension Reduction {
    /// All of them.
    package func counts(in batch: PairBatch) -> (chosen: [Int], rejected: [Int]) {
        (batch.policy.chosenLengths, batch.policy.rejectedLengths)
    }
}

/// From a pair's numbers under the policy and its references to scores of its responses.
package protocol PairScore: LossPart {
    func callAsFunction(_ pairs: ReducedPairs) -> PairScores

    /// Whether the margin is another than the difference of the scores, so that links which read those would not see it.
    var hasOwnMargin: Bool { get }

    /// Whether the scores are averaged over several references, each with a loss of its own.
    var isMixture: Bool { get }

    /// The implicit rewards that are reported, but for the factor β; without gradient.
    func rewards(of pairs: ReducedPairs) -> PairNumbers
}

extension PairScore {
    package var hasOwnMargin: Bool { false }
    package var isMixture: Bool { false }

    /// Log-ratios of sums to the first reference, or the policy's own numbers where there is none.
    package func rewards(of pairs: ReducedPairs) -> PairNumbers {
        guard let reference = pairs.batch.references.first else { return pairs.policy }
        let policy = pairs.batch.policy
        return PairNumbers(
            chosen: policy.chosen - reference.chosen.detached(),
            rejected: policy.rejected - reference.rejected.detached())
    }
}

/// From scores to losses.
package protocol Link: LossPart {
    /// What the sum of the losses over a step is divided by.
    var denominator: LossDenominator { get }

    /// Whether it is a function of the margin alone, so that what both responses' scores share is no matter.
    var isOfMargin: Bool { get }

    /// Whether it takes the policy's own log-probabilities a token for scores, and nothing else.
    var isOfMeanLogps: Bool { get }

    /// Whether its losses depend on β.
    var readsBeta: Bool { get }

    /// The losses `[n]`, one a pair.
    func callAsFunction(_ scores: PairScores, beta: Double, in batch: PairBatch) -> Tensor
}

extension Link {
    package var denominator: LossDenominator { .pairs }
    package var isOfMargin: Bool { false }
    package var isOfMeanLogps: Bool { false }
    package var readsBeta: Bool { true }
}

import Configuration
import Runs

/// One reward, or several that are added up with weights.
package struct RewardMixture: Sendable, Equatable {
    /// What they are of; empty where none is asked.
    package var sources: [ArtifactReference] {
        get { list.references }
        set { list.references = newValue }
    }
    package var list = RewardList()
    /// What each is multiplied by; 1 where there are none.
    package var weights: [Double]?

    package init() {}

    /// The first that is a model.
    package var model: ArtifactReference? { sources.first(where: \.isModel) }

    /// Whether a model behind a server is asked among them.
    package var asksJudge: Bool { sources.contains(where: \.isJudge) }

    /// Whether any is shown rows as the data gave them.
    package var readsRecords: Bool { sources.contains(where: \.readsRecords) }

    /// Sums over responses of what each of several rewards says of them, with the names that their means have in metrics; nothing of
    /// one reward alone.
    package func sums(over rollouts: [Rollout]) -> [(metric: String, sum: Double)] {
        guard sources.count > 1 else { return [] }
        return sources.enumerated().map { number, source in
            ("rewards/\(source)/mean", rollouts.reduce(0) { $0 + $1.scoreParts[number] })
        }
    }

    /// Checks that there is a weight for each.
    ///
    /// - Throws: ``ConfigurationError``
    package func check(_ scope: StageScope) throws {
        if let twice = sources.indices.first(where: { sources[..<$0].contains(sources[$0]) }) {
            throw scope.error(
                "reward", "lists \(sources[twice]) twice", "list it once, with a weight in reward_weights")
        }
        guard let weights else { return }
        guard !sources.isEmpty else {
            throw scope.error("reward_weights", "weighs no reward: none is asked", "leave it out, or give reward")
        }
        guard weights.count == sources.count else {
            throw scope.error(
                "reward_weights",
                "has \(HumanFormat.counted(weights.count, "weight")) for \(HumanFormat.counted(sources.count, "reward"))",
                "give one for each reward")
        }
        guard weights.contains(where: { $0 != 0 }) else {
            throw scope.error(
                "reward_weights", "leaves nothing of any reward", "give one of them another weight than 0")
        }
    }
}

extension RewardMixture: KeyedOptions {
    package static var fields: [Field<Self>] { fields(isOptional: false) }

    /// The keys.
    ///
    /// - Parameter standard: What the reward is where none is given, in words.
    package static func fields(
        isOptional: Bool, default standard: String = "the reward stage"
    ) -> [Field<Self>] {
        Field<Self>.list {
            Field.input(
                "reward", \.list, .reward, isOptional: isOptional, default: standard,
                "Reward: a reward stage, a model directory, rule:NAME, command:LINE, or openai:URL#MODEL; or a list of such, which are added."
            )
            Field(
                "reward_weights", \.weights, default: "1 for each",
                "What each reward is multiplied by, where reward lists several.")
        }
    }
}

/// Rewards as they are written: one alone, several in a list, null for none.
package struct RewardList: ConfigurationValue, Sendable, Equatable {
    package var references: [ArtifactReference] = []

    package init() {}

    package static var kind: String { [ArtifactReference].kind }

    package init?(_ node: ConfigurationNode) {
        guard let references = node.isNull ? [] : [ArtifactReference](node) else { return nil }
        self.references = references
    }

    package var node: ConfigurationNode {
        references.count == 1 ? references[0].node : references.isEmpty ? ArtifactReference?.none.node : references.node
    }
}

extension StageStart {
    /// Checks each reward, of responses to prompts, as ``checkReward(_:for:ofPrompts:limit:)`` does.
    package func checkRewards(_ rewards: RewardMixture, ofPrompts prompts: [ArtifactReference]) throws {
        for source in rewards.sources { try checkReward(source, for: "reward", ofPrompts: prompts) }
    }
}

extension StageContext {
    /// What gives scores for a mixture; `nil` for one of nothing.
    ///
    /// - Parameter groupSize: How many responses each prompt has, which come one after another, where they may be compared.
    package func scorer(_ rewards: RewardMixture, maxTokens: Int, groupSize: Int = 1) throws -> (any Scorer)? {
        let scorers = try rewards.sources.map {
            try scorer($0, maxTokens: maxTokens, isLeft: false, groupSize: groupSize)
        }
        guard scorers.count > 1 || rewards.weights != nil else { return scorers.first }
        return MixedScorer(scorers, weights: rewards.weights ?? Array(repeating: 1, count: scorers.count))
    }
}

import Runs

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
    /// That of another judge, where there is one.
    package var otherScore: Double?

    package init(policy: Int, index: Int, sample: Int, text: String, length: Int, isFinished: Bool, score: Double) {
        (self.policy, self.index, self.sample, self.text, self.length, self.isFinished, self.score) = (
            policy, index, sample, text, length, isFinished, score
        )
    }

    /// What it belongs to.
    package var key: ItemKey { ItemKey(index: index, policy: policy) }
}

/// Responses that were drawn, with their scores.
package struct SampledResponsesMessage: StageMessage {
    package static let kind = "samples"
    package let responses: [SampledResponse]

    package init(_ responses: [SampledResponse]) { self.responses = responses }
}

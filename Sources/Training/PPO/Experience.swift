/// One response of a PPO step, as it travels from the worker that drew it to a learner: ids and numbers, never text.
package struct Experience: Equatable, Sendable {
    /// Its place in the step: prompts in the order of the step, the samples of each one after another.
    package var place: Int
    /// The version of the policy that drew it.
    package var version: Int
    package var prompt: [Int32]
    package var response: [Int32]
    /// Log-probabilities of the response's tokens as the sampler saw them.
    package var sampledLogps: [Float]
    /// The same tokens' under the reference.
    package var referenceLogps: [Float]
    /// The reward, neither clipped nor penalised.
    package var score: Double
    /// Whether the response ended by itself.
    package var isFinished: Bool

    package init(
        place: Int, version: Int, prompt: [Int32], response: [Int32], sampledLogps: [Float], referenceLogps: [Float],
        score: Double, isFinished: Bool
    ) {
        (self.place, self.version, self.prompt, self.response) = (place, version, prompt, response)
        (self.sampledLogps, self.referenceLogps) = (sampledLogps, referenceLogps)
        (self.score, self.isFinished) = (score, isFinished)
    }

    /// Tokens of prompt and response.
    var tokenCount: Int { prompt.count + response.count }
}

import PreferenceData
import Runs

/// One response on its way from the sampler to the loss: what was drawn, what scored it, and what a learner found out before
/// its first update on it. Ids and numbers, never text.
package struct Rollout: Equatable, Sendable {
    /// The prompt's index in the stage's data.
    package var promptIndex: Int
    /// Which of the prompt's responses it is.
    package var sample: Int
    /// Its index among the responses of its step: prompts in the order of the step, the samples of each one after another.
    package var stepIndex = 0
    /// The version of the policy that drew it.
    package var version = 0
    package var prompt: [Int32]
    package var response: [Int32]
    /// Log-probabilities of the response's tokens as the sampler saw them.
    package var sampledLogps: [Float]
    /// Whether the response ended by itself, not at the length limit.
    package var isFinished: Bool

    /// The reward, neither clipped nor penalised.
    package var score = 0.0
    /// What each of several rewards adds to it before its weight; empty where there is one.
    package var scoreParts: [Double] = []
    /// The version of the model that gave it, where that is trained in the loop.
    package var scoreVersion = 0
    /// The same tokens' log-probabilities under the reference; empty where none was asked.
    package var referenceLogps: [Float] = []

    /// Log-probabilities of its tokens under the policy before the first update on its step.
    package var oldLogps: [Double] = []
    /// The critic's values at its tokens; empty without a critic.
    package var values: [Double] = []
    package var advantages: [Double] = []
    /// Whether the loss leaves it out.
    package var isLeftOut = false
    /// What the values should have been; empty without a critic.
    package var returns: [Double] = []

    package init(
        promptIndex: Int, sample: Int = 0, stepIndex: Int = 0, version: Int = 0, prompt: [Int32], response: [Int32],
        sampledLogps: [Float], isFinished: Bool, score: Double = 0, referenceLogps: [Float] = []
    ) {
        (self.promptIndex, self.sample, self.stepIndex, self.version) = (promptIndex, sample, stepIndex, version)
        (self.prompt, self.response, self.sampledLogps) = (prompt, response, sampledLogps)
        (self.isFinished, self.score, self.referenceLogps) = (isFinished, score, referenceLogps)
    }

    /// Tokens of prompt and response.
    package var tokenCount: Int { prompt.count + response.count }

    /// Its tokens as a row to be packed.
    package func example(index: Int) -> TokenizedCompletion {
        TokenizedCompletion(index: index, prompt: prompt, completion: response)
    }
}

import PreferenceData
import Runs

/// A source of reward: a model, a built-in rule or a program of the user's.
package protocol Scorer: AnyObject {
    /// One number an item, in the order of `items`, that ``ScoreRange`` finds no fault with; higher is better.
    func scores(_ items: [ScoredItem]) throws -> [Double]
}

extension ArtifactReference {
    /// Whether a reward from here is shown prompts as the data gave them (``ScoredItem/promptContent``): programs are,
    /// models read ids and rules read responses.
    package var readsPrompts: Bool {
        if case .command = self { true } else { false }
    }
}

/// A response to score, in every form that a ``Scorer`` may ask for.
package struct ScoredItem: Sendable {
    /// The prompt's token ids.
    package var prompt: [Int32]
    /// The response's token ids, its end-of-sequence token included where there is one.
    package var response: [Int32]
    /// The prompt as the data gave it: text or messages. Empty where the source of reward does not read it.
    package var promptContent: Content
    /// The response as text, without special tokens.
    package var completion: String

    /// A response to `promptContent`.
    package init(prompt: [Int32], response: [Int32], promptContent: Content, completion: String) {
        (self.prompt, self.response) = (prompt, response)
        (self.promptContent, self.completion) = (promptContent, completion)
    }
}

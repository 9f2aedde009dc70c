import PreferenceData
import Runs
import Training

/// A response with `tokens` tokens.
func item(_ completion: String, prompt: Content = .text("p"), tokens: Int = 3) -> ScoredItem {
    ScoredItem(
        prompt: [1, 2], response: [Int32](repeating: 7, count: tokens), promptContent: prompt, completion: completion)
}

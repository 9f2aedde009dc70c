import JSON
import PreferenceData
import Runs
import Training

/// A response with `tokens` tokens.
func item(_ completion: String, prompt: Content = .text("p"), tokens: Int = 3) -> ScoredItem {
    ScoredItem(
        prompt: [1, 2], response: [Int32](repeating: 7, count: tokens), promptContent: prompt, completion: completion)
}

/// A response to the prompt of a row with a column `answer`.
func item(_ completion: String, answer: JSON) -> ScoredItem {
    var item = item(completion)
    item.columns["answer"] = answer
    item.source = RecordSource(file: "rows.jsonl", line: 3)
    return item
}

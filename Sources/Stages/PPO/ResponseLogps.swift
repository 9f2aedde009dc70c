import PreferenceData
import Runs
import Torch
import Training
import Transformers

/// Log-probabilities of each token of responses under a frozen model.
package enum ResponseLogps {
    /// For each (prompt, response) its tokens' log-probabilities, by a packed forward pass.
    package static func all(
        of responses: [(prompt: [Int32], response: [Int32])], under model: DecoderModel, temperature: Double,
        maxTokens: Int
    ) -> [[Float]] {
        var result = [[Float]](repeating: [], count: responses.count)
        let examples = responses.enumerated().map {
            TokenizedCompletion(index: $0, prompt: $1.prompt, completion: $1.response)
        }
        withoutGradients {
            for batch in ResponseBatch.microBatches(examples, maxTokens: maxTokens) {
                let logps = model.tokenLogps(batch.rows, predictions: batch.predictions, temperature: temperature).logps
                var flat = logps.floats()[...]
                for index in batch.indices {
                    let count = examples[index].completion.count
                    result[index] = Array(flat.prefix(count))
                    flat = flat.dropFirst(count)
                }
            }
        }
        return result
    }
}

import Foundation
import JSON
import PreferenceData

extension [SampledResponse] {
    /// Writes `samples.jsonl`: a line a response, with its prompt, its score, and its length in tokens.
    ///
    /// - Parameters:
    ///   - policies: A key, and under it the value that names each policy.
    ///   - prompts: All prompts as they were read.
    package func write(to directory: URL, naming policies: (key: String, values: [JSON?]), _ prompts: [Prompt]) throws {
        let writer = try JSONLWriter(directory.appending(path: "samples.jsonl"))
        for sample in self {
            var object = JSONObject()
            object[policies.key] = policies.values[sample.policy]
            object["prompt"] = prompts[sample.index].prompt.json
            object["completion"] = .string(sample.text)
            object["score"] = JSON(sample.score)
            object["length"] = .number(sample.length)
            try writer.write(object)
        }
        try writer.finish()
    }
}

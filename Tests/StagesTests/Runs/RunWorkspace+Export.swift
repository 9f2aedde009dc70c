import Foundation
import TestSupport
import Testing
import Torch
import Transformers

extension RunWorkspace {
    /// Compares a model that a stage left with what transformers computes from its directory.
    func checkExport(_ path: String, _ python: URL, isReward: Bool = false) throws {
        let model = try ModelDirectory(url(path)).decoder(
            head: isReward ? .score : .languageModel, trainable: false)
        let cases = [[1, 403, 407, 261, 378, 2], [1, 261, 2], [1, 310, 300, 290, 280, 270, 260, 2]].map { tokens in
            var rows = PackedRows()
            let range = rows.append(tokens.map { Int32($0) })
            if isReward {
                let scores = withoutGradients { model.scores(rows, at: [Int32(range.upperBound - 1)]).doubles() }
                return "{\"tokens\": \(tokens), \"score\": \(scores[0])}"
            }
            var predictions = PredictedTokens()
            predictions.append(
                tokens.dropFirst().map { Int32($0) }, in: range.dropFirst(), promptEnd: 0, sequence: 0)
            let logps = withoutGradients { model.tokenLogps(rows, predictions: predictions).logps.doubles() }
            return "{\"tokens\": \(tokens), \"next_token_logps\": \(logps)}"
        }
        try write(
            "{\"tolerance\": 1e-3, \"cases\": [\(cases.joined(separator: ", "))]}", to: "cases.json")
        let arguments = [
            TestSupport.fixture("check_export.py").path, isReward ? "reward" : "causal", url(path).path,
            url("cases.json").path,
        ]
        let result = try Job(python, arguments, timeLimit: 180).run()
        #expect(result.status == 0, "\(path): \(result.output)\(result.errors)")
    }
}

import Foundation
import JSON

extension PreferencePair {
    /// The pair's own fields, with `chosen_reward`, `rejected_reward`, `gap` and `source_index` behind them (or in
    /// their places).
    public func fields(with score: ScoredPair) -> JSONObject {
        var fields = fields
        fields["chosen_reward"] = JSON(score.chosenReward)
        fields["rejected_reward"] = JSON(score.rejectedReward)
        fields["gap"] = JSON(score.gap)
        fields["source_index"] = .number(score.index)
        return fields
    }

    /// The rewards a split has written into the pair; `nil` where there are none. The index is that of this dataset.
    public var score: ScoredPair? {
        guard let chosen = fields["chosen_reward"]?.double, let rejected = fields["rejected_reward"]?.double else {
            return nil
        }
        return ScoredPair(index: index, chosenReward: chosen, rejectedReward: rejected)
    }
}

extension GapSplit.Parts {
    /// Writes `easy.jsonl`, `difficult.jsonl` and `summary.json` into `directory`.
    ///
    /// The lines keep the fields they were read with, so they are datasets again. `pairs[score.index]` is the pair of
    /// a score.
    /// - Returns: The summary that was written.
    @discardableResult
    public func write(_ pairs: [PreferencePair], to directory: URL) throws(DataError) -> SplitSummary {
        for (name, scores) in [("easy.jsonl", easy), ("difficult.jsonl", difficult)] {
            let writer = try JSONLWriter(directory.appending(path: name))
            for score in scores {
                precondition(pairs.indices.contains(score.index), "no pair \(score.index) among \(pairs.count)")
                try writer.write(pairs[score.index].fields(with: score))
            }
            try writer.finish()
        }
        let summary = SplitSummary(self)
        let file = directory.appending(path: "summary.json")
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        do {
            try OutputFile.write(try encoder.encode(summary), to: file)
        } catch let error as DataError {
            throw error
        } catch {
            throw .system(path: file.relativePath, reason: "cannot be written: \(error)")
        }
        return summary
    }
}

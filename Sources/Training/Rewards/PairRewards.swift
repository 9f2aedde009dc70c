import Foundation
import MPI
import Objectives
import PreferenceData
import Runs
import Torch

/// Rewards of both responses of pairs that are trained on and held out, standardised by mean and deviation of the former.
package struct PairRewards: Sendable {
    private let training: [Int: ScoredPair]
    private let heldOut: [Int: ScoredPair]
    /// Of the rewards of all responses that are trained on, as they were given.
    package let mean: Double
    package let deviation: Double

    package init(training: [ScoredPair], heldOut: [ScoredPair] = []) {
        let rewards = training.flatMap { [$0.chosenReward, $0.rejectedReward] }
        let count = Double(max(1, rewards.count))
        let mean = rewards.reduce(0, +) / count
        let deviation = (rewards.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / count).squareRoot()
        (self.mean, self.deviation) = (mean, deviation)
        let standardised = { (pairs: [ScoredPair]) in
            Dictionary(
                uniqueKeysWithValues: pairs.map { pair in
                    // Rewards that are all the same say nothing.
                    let scale = { (reward: Double) in deviation > 0 ? (reward - mean) / deviation : 0 }
                    return (
                        pair.index,
                        ScoredPair(
                            index: pair.index, chosenReward: scale(pair.chosenReward),
                            rejectedReward: scale(pair.rejectedReward))
                    )
                })
        }
        (self.training, self.heldOut) = (standardised(training), standardised(heldOut))
    }

    /// What a run says of them.
    package var summary: String {
        "rewards of \(HumanFormat.counted(training.count, "pair")) have mean \(HumanFormat.metric(mean)) and deviation "
            + (deviation > 0 ? HumanFormat.metric(deviation) : "0, so they weigh all responses alike")
    }

    /// Those of a micro-batch, by its indices, as ``ReferencePair`` has them.
    package func rewards(ofPairs indices: [Int]) -> PairNumbers {
        let pairs = indices.map { index in
            guard let pair = index < 0 ? heldOut[ReferencePair.heldOut(index)] : training[index] else {
                preconditionFailure("pair \(index) has no reward")
            }
            return pair
        }
        return PairNumbers(
            chosen: Tensor(pairs.map { Float($0.chosenReward) }),
            rejected: Tensor(pairs.map { Float($0.rejectedReward) }))
    }
}

extension StageContext {
    /// The rewards of both responses of all pairs, each worker scoring its share; all workers call this together.
    ///
    /// Those of a model are kept in the stage's directory, where a run that goes on finds them. Rules and columns cost nothing, and
    /// what a program would say can only be known from asking it.
    ///
    /// - Throws: ``StageStopped`` on all workers where the run is to stop.
    package func pairRewards(
        by reward: ArtifactReference, of pairs: [TokenizedPair], _ records: [PreferencePair], maxTokens: Int
    ) throws -> [ScoredPair] {
        guard !pairs.isEmpty else { return [] }
        let score = { try pairScoring(reward, maxTokens: maxTokens, isLeft: false) }
        if case .column = reward { return try score()(pairs, records) }
        let file =
            try reward.isModel ? PairRewardFile(stage.directory, key(of: reward, pairs, maxTokens: maxTokens)) : nil
        let kept = try workers.broadcast(isFirst ? encoded(file?.read() ?? []) : [], root: 0)
        guard kept.isEmpty else {
            try note(
                "rewards by \(reward) are read from the stage's directory, of \(HumanFormat.counted(pairs.count, "pair"))"
            )
            return try decoded([kept])
        }
        try note("asks \(reward) for rewards of \(HumanFormat.counted(pairs.count, "pair"))")
        let scoring = try score()
        let mine = workers.share(of: pairs) { $0 }
        let bytes = try interruptible { goesOn in
            var found: [ScoredPair] = []
            for start in stride(from: 0, to: mine.count, by: Self.scoredTogether) where goesOn() {
                found += try scoring(Array(mine[start..<min(mine.count, start + Self.scoredTogether)]), records)
            }
            return encoded(found)
        }
        let scored = try decoded(try workers.allGather(bytes))
        if isFirst { try file?.write(scored) }
        return scored
    }

    /// Pairs between two looks at whether the run is to stop.
    private static let scoredTogether = 16

    /// What the rewards depend on.
    private func key(
        of reward: ArtifactReference, _ pairs: [TokenizedPair], maxTokens: Int
    ) throws -> ReferenceKey {
        let model = try models.identity(of: reward, knowing: [:])
        return ReferenceKey(
            model: "reward \(reward) \(model)", fingerprint: TokenizedDataset(examples: pairs).fingerprint,
            pairs: pairs.count, maxTokens: maxTokens)
    }

    private func encoded(_ pairs: [ScoredPair]) -> [UInt8] {
        var writer = ByteWriter()
        for pair in pairs {
            writer.write(pair.index)
            writer.write(pair.chosenReward)
            writer.write(pair.rejectedReward)
        }
        return writer.bytes
    }

    /// All pairs, in the order of their indices.
    private func decoded(_ parts: [[UInt8]]) throws -> [ScoredPair] {
        var pairs: [ScoredPair] = []
        for bytes in parts {
            var reader = ByteReader(bytes)
            while !reader.rest.isEmpty {
                pairs.append(
                    ScoredPair(
                        index: try reader.read(Int.self), chosenReward: try reader.read(Double.self),
                        rejectedReward: try reader.read(Double.self)))
            }
        }
        return pairs.sorted { $0.index < $1.index }
    }
}

extension StagePlanner {
    /// The tables of ``StageContext/pairRewards(by:of:_:maxTokens:)`` over each of several data sets.
    package func rewardTables(
        by reward: ArtifactReference?, over data: [[ArtifactReference]], in stage: StageConfiguration,
        count: ([ArtifactReference]) throws -> ExampleCount?
    ) throws -> [TableForecast] {
        guard let reward, reward.isModel else { return [] }
        return try data.map { (references: $0, count: try count($0)) }.filter { $0.count?.examples != 0 }.map { data in
            // Two numbers and an index a pair; the key, the manifest and the header. No other stage reads them.
            TableForecast(
                subject: "\(stage.name): rewards of \(data.references)",
                bytes: data.count.map { 24 * $0.examples + 600 })
        }
    }
}

/// Rewards of pairs on the disk: float64 `[pairs, 2]` and the pairs' indices, beside what they depend on.
private struct PairRewardFile {
    private let directory: URL
    private let key: ReferenceKey

    init(_ stage: URL, _ key: ReferenceKey) { (directory, self.key) = (stage.appending(path: key.directoryName), key) }

    private var file: URL { directory.appending(path: "rewards.safetensors") }

    /// `nil` where they are not there, or not whole.
    func read() -> [ScoredPair]? {
        guard key.matches(directory), (try? Manifest.verify(directory)) != nil, let opened = try? SafetensorsFile(file),
            let indices = try? opened.tensor("indices").integers(),
            let rewards = try? opened.tensor("rewards").doubles(),
            rewards.count == 2 * indices.count
        else { return nil }
        return indices.enumerated().map { row, index in
            ScoredPair(index: Int(index), chosenReward: rewards[2 * row], rejectedReward: rewards[2 * row + 1])
        }
    }

    func write(_ pairs: [ScoredPair]) throws {
        let rewards = Tensor(pairs.flatMap { [$0.chosenReward, $0.rejectedReward] }, shape: [pairs.count, 2])
        try AtomicDirectory.write(to: directory) { url in
            try Data(key.text.utf8).write(to: url.appending(path: ReferenceKey.fileName))
            _ = try SafetensorsWriter.write(
                [("indices", Tensor(pairs.map { Int64($0.index) })), ("rewards", rewards)],
                to: url.appending(path: "rewards.safetensors"))
        }
    }
}

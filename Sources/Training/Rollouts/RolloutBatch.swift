import Foundation
import PreferenceData
import Runs

/// Responses of one step of an online stage, or a learner's share of them.
package struct RolloutBatch: Equatable, Sendable {
    /// Responses of the whole step, over all learners.
    package var total: Int
    package var rollouts: [Rollout]

    package init(total: Int, rollouts: [Rollout]) {
        (self.total, self.rollouts) = (total, rollouts)
    }

    /// Divides a whole step over learners, the same way whoever does it.
    package func shares(over learners: Int, _ division: RolloutDivision = .responses) -> [RolloutBatch] {
        let whole = rollouts.sorted { $0.stepIndex < $1.stepIndex }
        let groups: [[Rollout]]
        switch division {
        case .whole: return Array(repeating: RolloutBatch(total: total, rollouts: whole), count: learners)
        case .groups: groups = Self.groups(of: whole)
        case .responses: groups = whole.map { [$0] }
        }
        let sizes = groups.map { group in group.reduce(0) { $0 + $1.tokenCount } }
        return TokenBalancer.share(sizes, over: learners).map { share in
            RolloutBatch(total: total, rollouts: share.flatMap { groups[$0] })
        }
    }

    /// Responses to one prompt together; a prompt that a step has twice is two.
    package static func groups(of rollouts: [Rollout]) -> [[Rollout]] {
        rollouts.reduce(into: []) { groups, rollout in
            if rollout.sample > 0, !groups.isEmpty, groups[groups.count - 1][0].promptIndex == rollout.promptIndex {
                groups[groups.count - 1].append(rollout)
            } else {
                groups.append([rollout])
            }
        }
    }
}

/// How the responses of a step are divided over learners.
package enum RolloutDivision: Sendable {
    /// Each response by itself, by tokens.
    case responses
    /// Those to one prompt together, by tokens.
    case groups
    /// Every learner has all of them, to make up and divide what it learns from.
    case whole
}

// MARK: Bytes

extension RolloutBatch {
    /// What travels, and what a checkpoint keeps: all but what a learner finds out.
    package var bytes: [UInt8] {
        var writer = ByteWriter()
        writer.write(total)
        writer.write(rollouts.count)
        for rollout in rollouts { rollout.write(to: &writer) }
        return writer.bytes
    }

    package init(bytes: [UInt8]) throws {
        var reader = ByteReader(bytes)
        total = try reader.read(Int.self)
        let count = try reader.read(Int.self)
        rollouts = []
        // No room is made for `count` of them before they are there.
        while rollouts.count < count { rollouts.append(try Rollout(reading: &reader)) }
        guard count >= 0, reader.rest.isEmpty else { throw reader.error }
    }
}

extension Rollout {
    fileprivate init(reading reader: inout ByteReader) throws {
        self.init(
            promptIndex: try reader.read(Int.self), sample: try reader.read(Int.self),
            stepIndex: try reader.read(Int.self), version: try reader.read(Int.self),
            prompt: try reader.readArray(of: Int32.self), response: try reader.readArray(of: Int32.self),
            sampledLogps: try reader.readArray(of: Float.self), isFinished: try reader.read(UInt8.self) == 1,
            score: try reader.read(Double.self), referenceLogps: try reader.readArray(of: Float.self))
        scoreVersion = try reader.read(Int.self)
        scoreParts = try reader.readArray(of: Double.self)
        guard sampledLogps.count == response.count, [0, response.count].contains(referenceLogps.count) else {
            throw reader.error
        }
    }

    fileprivate func write(to writer: inout ByteWriter) {
        writer.write(promptIndex)
        writer.write(sample)
        writer.write(stepIndex)
        writer.write(version)
        writer.write(prompt)
        writer.write(response)
        writer.write(sampledLogps)
        writer.write(isFinished ? UInt8(1) : 0)
        writer.write(score)
        writer.write(referenceLogps)
        writer.write(scoreVersion)
        writer.write(scoreParts)
    }
}

// MARK: Checkpoints

extension RolloutBatch {
    private static let fileName = "rollouts.bin"

    /// Writes a whole step into a checkpoint.
    package func write(to directory: URL) throws {
        try Data(bytes).write(to: directory.appending(path: Self.fileName))
    }

    /// Reads the step that a checkpoint keeps.
    ///
    /// - Parameter vocabularySize: How many tokens the policy knows.
    /// - Throws: ``RunError`` where the file is damaged, or missing as in checkpoints of a build that named it otherwise.
    package static func read(from directory: URL, vocabularySize: Int) throws -> RolloutBatch {
        let file = directory.appending(path: fileName)
        guard FileManager.default.fileExists(atPath: file.path) else {
            throw RunError.other(
                "\(file.path): missing, as in a checkpoint of another build; go on with that build, or delete "
                    + "\(directory.deletingLastPathComponent().path) to begin the stage anew")
        }
        guard let data = try? Data(contentsOf: file), let batch = try? RolloutBatch(bytes: Array(data)),
            batch.isWhole(vocabularySize: vocabularySize)
        else {
            throw RunError.other("\(file.path): damaged; delete this checkpoint to go on from the one before it")
        }
        return batch
    }

    /// Whether it has every response of a step once, and the policy knows all of their tokens.
    private func isWhole(vocabularySize: Int) -> Bool {
        let known = Int32(0)..<Int32(clamping: vocabularySize)
        return rollouts.count == total && Set(rollouts.map(\.stepIndex)) == Set(rollouts.indices)
            && rollouts.allSatisfy { rollout in
                !rollout.response.isEmpty && rollout.prompt.allSatisfy(known.contains)
                    && rollout.response.allSatisfy(known.contains)
            }
    }
}

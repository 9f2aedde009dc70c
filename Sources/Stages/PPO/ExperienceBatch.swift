import Foundation
import PreferenceData
import Runs
import Training

/// Responses of one PPO step, or a learner's share of them.
package struct ExperienceBatch: Equatable, Sendable {
    /// Responses of the whole step, over all learners.
    package var total: Int
    package var experiences: [Experience]

    package init(total: Int, experiences: [Experience]) {
        self.total = total
        self.experiences = experiences
    }

    /// Divides a whole step over learners by tokens, the same way whoever does it.
    package func shares(over learners: Int) -> [ExperienceBatch] {
        let whole = experiences.sorted { $0.place < $1.place }
        return TokenBalancer.share(whole.map(\.tokenCount), over: learners).map { share in
            ExperienceBatch(total: total, experiences: share.map { whole[$0] })
        }
    }

    package var bytes: [UInt8] {
        var writer = ByteWriter()
        writer.write(total)
        writer.write(experiences.count)
        for experience in experiences { experience.write(to: &writer) }
        return writer.bytes
    }

    package init(bytes: [UInt8]) throws {
        var reader = ByteReader(bytes)
        total = try reader.read(Int.self)
        let count = try reader.read(Int.self)
        experiences = []
        // No room is made for `count` of them before they are there.
        while experiences.count < count { experiences.append(try Experience(reading: &reader)) }
        guard count >= 0, reader.rest.isEmpty else { throw reader.error }
    }
}

extension ExperienceBatch {
    private static let fileName = "experience.bin"

    /// Writes a whole step into a checkpoint.
    package func write(to directory: URL) throws {
        try Data(bytes).write(to: directory.appending(path: Self.fileName))
    }

    /// Reads the step that a checkpoint keeps; `nil` where it keeps none.
    ///
    /// - Parameter vocabularySize: How many tokens the policy knows.
    /// - Throws: ``RunError`` where the file is damaged.
    package static func read(from directory: URL, vocabularySize: Int) throws -> ExperienceBatch? {
        let file = directory.appending(path: fileName)
        guard FileManager.default.fileExists(atPath: file.path) else { return nil }
        guard let data = try? Data(contentsOf: file), let batch = try? ExperienceBatch(bytes: Array(data)),
            batch.isWhole(vocabularySize: vocabularySize)
        else {
            throw RunError.other("\(file.path): damaged; delete this checkpoint to go on from the one before it")
        }
        return batch
    }

    /// Whether it has every response of a step once, and the policy knows all of their tokens.
    private func isWhole(vocabularySize: Int) -> Bool {
        let known = Int32(0)..<Int32(clamping: vocabularySize)
        return experiences.count == total && Set(experiences.map(\.place)) == Set(experiences.indices)
            && experiences.allSatisfy { experience in
                !experience.response.isEmpty && experience.prompt.allSatisfy(known.contains)
                    && experience.response.allSatisfy(known.contains)
            }
    }
}

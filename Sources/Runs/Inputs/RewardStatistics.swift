import Foundation

/// How a reward model scores a sample of its training data, in `reward_statistics.json` beside the model.
package struct RewardStatistics: Codable, Equatable {
    /// The mean score.
    package var mean: Double
    /// The standard deviation.
    package var std: Double
    /// Whether later stages use scores less the mean.
    package var isSubtracted = true

    package init(mean: Double, std: Double, isSubtracted: Bool = true) {
        (self.mean, self.std, self.isSubtracted) = (mean, std, isSubtracted)
    }

    /// What is taken off each score.
    package var offset: Double { isSubtracted ? mean : 0 }

    private enum CodingKeys: String, CodingKey {
        case mean, std
        case isSubtracted = "normalize_reward"
    }

    /// Its name beside the model.
    package static let fileName = "reward_statistics.json"

    /// Adds the file to the whole directory of a reward model.
    package func add(to directory: URL) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        try DurableFiles.write(try encoder.encode(self), to: directory.appending(path: Self.fileName))
        try Manifest.include(Self.fileName, in: directory)
    }

    /// Reads the statistics of a reward model; `nil` for a model that has none.
    package static func read(from directory: URL) throws -> RewardStatistics? {
        let file = directory.appending(path: fileName)
        guard FileManager.default.fileExists(atPath: file.path) else { return nil }
        do {
            return try JSONDecoder().decode(RewardStatistics.self, from: Data(contentsOf: file))
        } catch {
            throw RunError.other("\(file.path): damaged; delete it to use the model's scores as they are")
        }
    }
}

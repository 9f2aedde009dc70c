import Foundation

/// The checkpoints of a stage: each a directory that is whole or absent.
///
/// One is written under a temporary name, flushed, given a manifest of sizes and checksums, and renamed; older ones go
/// only then. A directory without a valid manifest is never loaded.
package struct CheckpointStore {
    private let directory: URL
    private let limit: Int?

    /// - Parameters:
    ///   - directory: The stage's directory.
    ///   - limit: How many checkpoints are kept; `nil` for all.
    package init(_ directory: URL, limit: Int? = nil) {
        self.directory = directory
        self.limit = limit
    }

    /// Where the checkpoint of a step lies: `checkpoint-00000100`.
    package func url(ofStep step: Int) -> URL {
        let digits = String(step)
        return directory.appending(path: Self.prefix + String(repeating: "0", count: max(0, 8 - digits.count)) + digits)
    }

    /// The step of the newest checkpoint that is whole; `nil` where there is none.
    package func newest() throws -> Int? {
        steps().last { (try? Manifest.verify(url(ofStep: $0))) != nil }
    }

    /// Writes the checkpoint of a step by `body`, then removes later ones and those over the limit.
    package func write(step: Int, _ body: (URL) throws -> Void) throws {
        try AtomicDirectory.write(to: url(ofStep: step), body)
        // Later ones are damaged, or the run would have gone on from them.
        for later in steps() where later > step { try? FileManager.default.removeItem(at: url(ofStep: later)) }
        if let limit {
            for old in steps().dropLast(limit) { try? FileManager.default.removeItem(at: url(ofStep: old)) }
        }
    }

    private func steps() -> [Int] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: directory.path)) ?? []
        return names.filter { $0.hasPrefix(Self.prefix) }.compactMap { Int($0.dropFirst(Self.prefix.count)) }.sorted()
    }

    private static let prefix = "checkpoint-"
}

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
    package func url(ofStep step: Int) -> URL { directory.appending(path: Self.name(ofStep: step)) }

    /// The step of the newest checkpoint that is whole; `nil` where there is none.
    ///
    /// - Parameter note: Is told of each newer one that is not whole, in a line.
    package func newest(note: (String) -> Void = { _ in }) -> Int? {
        var damaged: [ManifestError] = []
        let found = steps().last { step in
            do throws(ManifestError) {
                try Manifest.verify(url(ofStep: step))
                return true
            } catch {
                damaged.append(error)
                return false
            }
        }
        let next = found.map { "going on from \(Self.name(ofStep: $0))" } ?? "there is none before it to go on from"
        for error in damaged { note("\(error.directory.lastPathComponent): \(error.reason); \(next)") }
        return found
    }

    /// Writes the checkpoint of a step by `body`, then removes later ones and those over the limit.
    ///
    /// - Parameter best: The step of a checkpoint that is kept whatever the limit.
    package func write(step: Int, keeping best: Int? = nil, _ body: (URL) throws -> Void) throws {
        try AtomicDirectory.write(to: url(ofStep: step), body)
        // Later ones are damaged, or the run would have gone on from them.
        for later in steps() where later > step { try? FileManager.default.removeItem(at: url(ofStep: later)) }
        if let limit {
            for old in steps().dropLast(limit) where old != best {
                try? FileManager.default.removeItem(at: url(ofStep: old))
            }
        }
    }

    private func steps() -> [Int] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: directory.path)) ?? []
        return names.compactMap { name in
            Int(name.dropFirst(Self.prefix.count)).flatMap { Self.name(ofStep: $0) == name ? $0 : nil }
        }.sorted()
    }

    private static let prefix = "checkpoint-"

    private static func name(ofStep step: Int) -> String {
        let digits = String(step)
        return prefix + String(repeating: "0", count: max(0, 8 - digits.count)) + digits
    }
}

import Foundation
import PreferenceData
import Runs
import Transformers

/// What a reference table depends on: the model, and the tokens that data, template and lengths make.
///
/// Not the number of ranks or threads, which changes nothing or, like the build, is judged where a run goes on. How many tokens
/// a pass has is in it where a model was asked: it changes the last digits.
package struct ReferenceKey: Sendable, Equatable {
    /// All of it in words, kept beside the table and compared.
    package let text: String

    /// The form of the files; another one is another key.
    private static let version = 1

    /// - Parameters:
    ///   - model: What the model is, as ``ModelStore/identity(of:)`` says.
    ///   - fingerprint: A hash over every token.
    ///   - maxTokens: Most tokens of one forward pass.
    ///   - given: A hash over sums that came with the data, where the model was not asked.
    package init(model: String, fingerprint: UInt64, pairs: Int, maxTokens: Int = 0, given: UInt64? = nil) {
        text = """
            version: \(Self.version)
            pairs: \(pairs)
            tokens: \(String(fingerprint, radix: 16))
            \(given.map { "given: \(String($0, radix: 16))" } ?? "micro-batch: \(maxTokens)")
            model: \(model)
            """
    }

    package init(text: String) { self.text = text }

    /// The name of the table's directory.
    package var directoryName: String {
        PlannedStage.tablePrefix + String(FNV1a.hash(text.utf8), radix: 16)
    }

    /// The file that holds ``text``.
    package static let fileName = "key.txt"

    /// Whether the directory is that of this key, and not of another with the same hash.
    package func matches(_ directory: URL) -> Bool {
        (try? Data(contentsOf: directory.appending(path: Self.fileName))) == Data(text.utf8)
    }
}

/// A hash of 64 bits that is the same everywhere (Fowler, Noll and Vo).
package enum FNV1a {
    package static func hash(_ bytes: some Sequence<UInt8>) -> UInt64 {
        bytes.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
    }
}

extension ModelStore {
    /// What the model of a reference is, wherever it lies: its files' sizes and checksums, or how it is drawn.
    ///
    /// - Parameter known: Files whose contents are known, which need not be read again while they are what they were.
    package func identity(of reference: ArtifactReference, knowing known: [String: FileIdentity]) throws -> String {
        let directory = directory(of: reference)
        let isDrawn = reference == .base && plan.configuration.randomInit
        // A model that this run has left says in its manifest what its files hold.
        var written: [String: Manifest.Entry] = [:]
        if case .stage = reference { written = Manifest.entries(of: directory) }
        func identity(_ name: String) throws -> String {
            // As the configuration names it, by which the run knows what its files hold.
            let path = "\(directory.relativePath)/\(name)"
            let file = try FileIdentity(path: path, knowing: known[path], written: written["\(directory.path)/\(name)"])
            return "\(name) \(file.contents.text)"
        }
        var files: [String]
        let model = try model(of: reference)
        if model.adapter != nil {
            files = try ([model.base.url.appending(path: "config.json")] + model.base.weightFiles()).map { url in
                let path = url.path
                return
                    "base \(url.lastPathComponent) \(try FileIdentity(path: path, knowing: known[path]).contents.text)"
            }
            files += try AdapterDirectory.fileNames.map(identity)
        } else {
            let weights = isDrawn ? [] : try model.weightFiles().map(\.lastPathComponent)
            files = try (["config.json"] + weights).map(identity)
        }
        let drawn = isDrawn ? ["drawn from seed \(plan.configuration.seed)"] : []
        let computed = placement.type == .float32 ? [] : ["in \(placement.type)"]
        return (files + drawn + computed).joined(separator: "; ")
    }
}

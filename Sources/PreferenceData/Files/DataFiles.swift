import Foundation

/// From what a user names to files.
struct DataFiles {
    /// In order.
    private(set) var files: [URL] = []
    /// A held-out file and one to train on that are read as one dataset, as the user's list has them.
    private(set) var mixed: RecordRemark?

    /// The files at `paths`, where a directory stands for its `.jsonl` and `.jsonl.gz` files, by name.
    /// - Throws: ``DataError`` for what is not there, and for a directory whose files are of several kinds.
    init(at paths: [URL]) throws(DataError) {
        for path in paths {
            var isDirectory: ObjCBool = false
            guard FileManager.default.fileExists(atPath: path.path, isDirectory: &isDirectory) else {
                throw .missing(path: path.relativePath)
            }
            files += isDirectory.boolValue ? try Self.contents(of: path) : [path]
        }
        let heldOut = files.first { Self.isHeldOut($0.lastPathComponent) == true }
        let train = files.first { Self.isHeldOut($0.lastPathComponent) == false }
        if let heldOut, let train {
            mixed = .heldOut(file: heldOut.relativePath, beside: train.relativePath)
        }
    }

    private static func contents(of directory: URL) throws(DataError) -> [URL] {
        let names: [String]
        do {
            names = try FileManager.default.contentsOfDirectory(atPath: directory.path)
                .sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        } catch {
            throw .system(path: directory.relativePath, reason: "cannot be listed")
        }
        func isData(_ name: String) -> Bool { [".jsonl", ".jsonl.gz"].contains { name.lowercased().hasSuffix($0) } }
        let data = names.filter(isData)
        let others = names.filter { name in
            !isData(name) && Self.unreadable.contains { name.lowercased().hasSuffix($0) }
        }
        guard !data.isEmpty else {
            throw .noDataFiles(directory: directory.relativePath, others: others.isEmpty ? names : others)
        }
        if let other = others.first(where: { !$0.lowercased().hasSuffix(".json") }) {
            throw .mixedDirectory(
                directory: directory.relativePath, data[0], other, reason: "of which the latter is not read")
        }
        if let heldOut = data.first(where: { Self.isHeldOut($0) == true }),
            let train = data.first(where: { Self.isHeldOut($0) == false })
        {
            throw .mixedDirectory(
                directory: directory.relativePath, train, heldOut, reason: "which are not one dataset")
        }
        return data.map { directory.appending(path: $0) }
    }

    /// Ends of names of data files that are not read from a directory.
    private static let unreadable = [
        ".json", ".json.gz", ".ndjson", ".jsonl.zst", ".jsonl.bz2", ".jsonl.xz", ".parquet", ".arrow", ".csv", ".tsv",
    ]

    /// Whether a name says that the file is held out, or that it is not; `nil` where it says neither.
    private static func isHeldOut(_ name: String) -> Bool? {
        let words = name.lowercased().split { !$0.isLetter }.map(String.init)
        if words.contains(where: { ["test", "valid", "validation", "val", "dev", "eval", "heldout"].contains($0) }) {
            return true
        }
        return words.contains { ["train", "training"].contains($0) } ? false : nil
    }
}

/// The name of a data file in a directory: what it says of the file's place in a data set. What the file holds is for its
/// first bytes to say.
struct DataFileName: Equatable {
    /// Relative to the directory of the data set.
    let path: String
    /// What tells it from files that may hold the same rows otherwise: its ending, without that of a compressor.
    let kind: String
    /// The split that file or folder are named after, if any.
    let split: String?
    /// Its part in a split of several files.
    let shard: Shard?
    /// The folder at the top that is named after neither data nor a split, if any.
    let configuration: String?

    /// `nil` where the name is not one of data.
    init?(_ path: String) {
        let parts = path.split(separator: "/").map(String.init)
        guard let name = parts.last?.lowercased(), let kind = Self.kind(of: name) else { return nil }
        (self.path, self.kind) = (path, kind)
        let folders = parts.dropLast()
        shard = Shard(parts[parts.count - 1])
        let isSaved = shard?.stem == "data"
        if isSaved {
            // As save_to_disk leaves a data set: a folder a split, of any name.
            split = folders.last
        } else {
            let stem = shard.map(\.stem).flatMap { Self.generic.contains($0.lowercased()) ? nil : $0 }
            split = stem ?? Self.usualSplit(name) ?? folders.reversed().lazy.compactMap(Self.usualSplit).first
        }
        configuration = (isSaved ? folders.dropLast() : folders).first.flatMap { folder in
            folder.lowercased() == "data" || Self.usualSplit(folder) != nil ? nil : folder
        }
    }

    /// The folder that it lies in, relative to the directory of the data set.
    var folder: String { path.split(separator: "/").dropLast().joined(separator: "/") }

    /// Stems of parts that name no split.
    private static let generic: Set<String> = ["part", "shard", "chunk", "file"]

    /// One of several files that hold a split together, as in `train-00000-of-00002.parquet`.
    struct Shard: Equatable {
        let stem: String
        let count: Int

        fileprivate init?(_ name: String) {
            guard let match = name.firstMatch(of: /^([A-Za-z0-9_.]+)-\d{5}-of-(\d{5})(?:-[0-9a-f]+)?\./),
                let count = Int(match.2)
            else { return nil }
            (stem, self.count) = (String(match.1), count)
        }
    }

    /// Whether such a file is read, or only known to hold data.
    static func isRead(_ path: String) -> Bool { !unread.contains { path.lowercased().hasSuffix($0) } }

    /// Whether a name says that the file is CSV or the like.
    static func isTable(_ name: String) -> Bool {
        kind(of: name.lowercased()).map { ["csv", "tsv"].contains($0) } ?? false
    }

    /// Whether a name says that the file has a row of JSON a line.
    static func isLines(_ name: String) -> Bool { kind(of: name.lowercased()) == "jsonl" }

    /// Whether a name says that the file is held out, or that it is not; `nil` where it says neither.
    static func isHeldOut(_ name: String) -> Bool? {
        usualSplit(name).map { $0 != "train" }
    }

    private static let compressors = [".gz", ".zst"]
    private static let unread = [".bz2", ".xz", ".lz4", ".zip"]
    private static let kinds = [
        "jsonl": "jsonl", "ndjson": "jsonl", "json": "json", "parquet": "parquet", "arrow": "arrow", "feather": "arrow",
        "csv": "csv", "tsv": "tsv",
    ]
    /// JSON that describes data.
    private static let descriptions: Set<String> = [
        "dataset_info.json", "dataset_infos.json", "dataset_dict.json", "state.json", "metadata.json", "config.json",
        "croissant.json",
    ]

    private static func kind(of name: String) -> String? {
        guard !descriptions.contains(name), !(name.hasPrefix("cache-") && name.hasSuffix(".arrow")) else { return nil }
        let packed = (compressors + unread).first(where: name.hasSuffix)
        let plain = name.dropLast(packed?.utf8.count ?? 0)
        guard let ending = plain.split(separator: ".", omittingEmptySubsequences: false).dropFirst().last,
            let kind = kinds[String(ending)]
        else { return nil }
        return isRead(name) ? kind : kind + (packed ?? "")
    }

    /// The split that a word in a name stands for, under its usual name.
    private static func usualSplit(_ name: String) -> String? {
        for word in name.lowercased().split(whereSeparator: { !$0.isLetter }) {
            switch word {
            case "train", "training": return "train"
            case "test", "testing", "eval", "evaluation", "heldout": return "test"
            case "valid", "validation", "val", "dev": return "validation"
            default: continue
            }
        }
        return nil
    }
}

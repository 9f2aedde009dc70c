import Configuration
import Foundation

/// What `README.md` of a data set says of its files, between lines of dashes at its top, as the hub reads it.
struct DatasetCard {
    private let configurations: [ConfigurationNode]
    /// The splits that it names without files.
    let splits: SplitNames?

    /// `nil` where there is no such file, or it says nothing.
    ///
    /// - Throws: ``DataError`` for one that cannot be read.
    init?(in directory: URL) throws(DataError) {
        let file = directory.appending(path: "README.md")
        guard let text = try? String(contentsOf: file, encoding: .utf8),
            let head = text.firstMatch(of: /^\u{FEFF}?---[ \t]*\r?\n([\s\S]*?)\r?\n---/)
        else { return nil }
        let node: ConfigurationNode
        do {
            node = try ConfigurationNode(yaml: String(head.1)) { _ in .none }
        } catch {
            throw .unusable(
                path: file.relativePath, problem: "what it says of the data is no YAML",
                remedy: "mend it, or name the data's files")
        }
        configurations =
            if case .sequence(let list)? = node.value(of: "configs")?.content { list } else { [] }
        splits = SplitNames(node.value(of: "dataset_info").map(Self.splitNames) ?? [])
    }

    /// Configurations with their splits: a block, or a list of such.
    private static func splitNames(_ node: ConfigurationNode) -> [(configuration: String, splits: [String])] {
        let blocks = if case .sequence(let items) = node.content { items } else { [node] }
        return blocks.map { block in
            guard case .sequence(let splits)? = block.value(of: "splits")?.content else { return ("", []) }
            return (block.value(of: "config_name")?.text ?? "default", splits.compactMap { $0.value(of: "name")?.text })
        }
    }

    /// The configurations that it lists, with those of `files` that are theirs.
    func configurations(of files: [DataFileName]) -> [DataDirectory.Configuration] {
        var found: [DataDirectory.Configuration] = []
        for node in configurations {
            guard let data = node.value(of: "data_files") else { continue }
            let name = node.value(of: "config_name")?.text ?? "default"
            let folder = node.value(of: "data_dir")?.text.map { $0 + "/" } ?? ""
            var splits: [DataDirectory.Split] = []
            for (split, patterns) in Self.splits(data) {
                let patterns = patterns.map { FilePattern(folder + $0) }
                let matching = files.filter { file in patterns.contains { $0.matches(file.path) } }
                // Who has downloaded a part of it may read that.
                guard !matching.isEmpty else { continue }
                splits.append(DataDirectory.Split(name: split, files: matching))
            }
            guard !splits.isEmpty else { continue }
            let isDefault = name == "default" || node.value(of: "default")?.text == "true"
            found.append(DataDirectory.Configuration(name: name, isDefault: isDefault, splits: splits))
        }
        return found
    }

    /// Splits with the patterns of their files: a list of `{split, path}`, a block of splits, or patterns alone.
    private static func splits(_ node: ConfigurationNode) -> [(String, [String])] {
        switch node.content {
        case .mapping(let entries): return entries.map { ($0.key, $0.value.texts) }
        case .sequence(let items) where items.contains { $0.value(of: "path") != nil }:
            return items.map { ($0.value(of: "split")?.text ?? "train", $0.value(of: "path")?.texts ?? []) }
        default: return [("train", node.texts)]
        }
    }
}

extension ConfigurationNode {
    fileprivate var text: String? {
        if case .scalar(let text, _) = content { text } else { nil }
    }

    fileprivate var texts: [String] {
        if case .sequence(let items) = content { items.compactMap(\.text) } else { [text].compactMap(\.self) }
    }
}

/// A pattern of paths: `*` and `?` stand for any characters of one name, `**` for any folders.
struct FilePattern {
    private let parts: [Substring]

    init(_ pattern: String) {
        let pattern = pattern.hasPrefix("./") ? pattern.dropFirst(2) : pattern[...]
        parts = pattern.split(separator: "/")
    }

    /// Whether a path, in which `/` separates names, is one of those.
    func matches(_ path: String) -> Bool { Self.matches(parts[...], path.split(separator: "/")[...]) }

    private static func matches(_ parts: ArraySlice<Substring>, _ names: ArraySlice<Substring>) -> Bool {
        guard let part = parts.first else { return names.isEmpty }
        if part == "**" {
            return matches(parts.dropFirst(), names)
                || (!names.isEmpty && matches(parts, names.dropFirst()))
        }
        guard let name = names.first, matches(part.unicodeScalars[...], name.unicodeScalars[...]) else { return false }
        return matches(parts.dropFirst(), names.dropFirst())
    }

    /// Matches one name, going back to the last `*` where the rest does not fit.
    private static func matches(
        _ pattern: Substring.UnicodeScalarView.SubSequence, _ name: Substring.UnicodeScalarView.SubSequence
    ) -> Bool {
        var (pattern, name) = (pattern, name)
        var retry: (pattern: Substring.UnicodeScalarView, name: Substring.UnicodeScalarView)?
        while true {
            if pattern.first == "*" {
                pattern = pattern.dropFirst()
                retry = (pattern, name)
            } else if let wanted = pattern.first, let scalar = name.first, wanted == "?" || wanted == scalar {
                (pattern, name) = (pattern.dropFirst(), name.dropFirst())
            } else if pattern.isEmpty, name.isEmpty {
                return true
            } else if let last = retry, !last.name.isEmpty {
                retry = (last.pattern, last.name.dropFirst())
                (pattern, name) = (last.pattern, last.name.dropFirst())
            } else {
                return false
            }
        }
    }
}

import Foundation

/// A directory of data files, as a data set on the hub is laid out: splits by the names of files or folders, configurations
/// by `README.md` or by folders.
package struct DataDirectory {
    /// What is read of a directory that holds more than one thing.
    package struct Choice: Sendable, Equatable {
        package var configuration: String?
        package var split: String?
        /// Whether a directory without the split that is named is refused, or read as if none were.
        package var isStrict: Bool
        /// The keys that make the choice, for who has to; empty where none does.
        package var keys: (configuration: String, split: String)?

        package init(
            configuration: String? = nil, split: String? = nil, isStrict: Bool = true,
            keys: (configuration: String, split: String)? = nil
        ) {
            (self.configuration, self.split, self.isStrict, self.keys) = (configuration, split, isStrict, keys)
        }

        package static func == (left: Self, right: Self) -> Bool {
            (left.configuration, left.split, left.isStrict) == (right.configuration, right.split, right.isStrict)
        }
    }

    private let url: URL
    /// Paths of data files, relative to the directory, by name.
    private let files: [DataFileName]
    /// What stands in it, for who finds no data.
    private let names: [String]

    /// - Throws: ``DataError/unusable(path:problem:remedy:)`` where it cannot be listed.
    package init(_ url: URL) throws(DataError) {
        self.url = url
        do {
            names = try FileManager.default.contentsOfDirectory(atPath: url.path).sorted(by: Self.precedes)
        } catch {
            throw .system(path: url.relativePath, reason: "cannot be listed")
        }
        files = Self.dataFiles(under: url)
    }

    /// The data files of one configuration and one split, by name.
    ///
    /// - Throws: ``DataError/unusable(path:problem:remedy:)`` where there are none, or several that the choice does not decide
    ///   between.
    package func files(_ choice: Choice = Choice()) throws(DataError) -> [URL] {
        guard !files.isEmpty else {
            let few = names.prefix(3).joined(separator: ", ")
            throw error(
                "a directory without data files", few.isEmpty ? "" : "; it has \(few)",
                remedy: "name a directory that has some, such as .parquet, .arrow, .jsonl, .json or .csv, or a file")
        }
        let configuration = try configuration(choice)
        let names = try split(of: configuration, choice).files
        try checkKinds(of: names)
        try checkShards(of: names)
        return names.map { url.appending(path: $0.path) }
    }

    private func error(_ problem: String, _ more: String = "", remedy: String) -> DataError {
        .unusable(path: url.relativePath, problem: problem + more, remedy: remedy)
    }

    // MARK: - Configurations and splits

    private func configuration(_ choice: Choice) throws(DataError) -> Configuration {
        let all = try configurations()
        let names = all.map(\.name)
        if let wanted = choice.configuration {
            if let found = all.first(where: { $0.name == wanted }) { return found }
            // So the hub calls what has no other name.
            if wanted == "default", all.count == 1 { return all[0] }
            if choice.isStrict {
                throw error(
                    "it has no configuration '\(wanted)'",
                    remedy: names == [""]
                        ? "it names none: leave \(choice.keys?.configuration ?? "the configuration") out"
                        : "\(Self.list(names, "configuration")), one of which is read")
            }
        }
        if all.count == 1 { return all[0] }
        if let usual = all.first(where: \.isDefault) { return usual }
        throw error(
            "it has several configurations, \(names.joined(separator: ", "))",
            remedy: choice.keys.map { "name one in \($0.configuration)" } ?? "name the directory or the files of one")
    }

    private func split(of configuration: Configuration, _ choice: Choice) throws(DataError) -> Split {
        let all = configuration.splits
        let names = all.map(\.name)
        if let wanted = choice.split {
            if let found = all.first(where: { $0.name == wanted }) { return found }
            if choice.isStrict {
                throw error(
                    "it has no split '\(wanted)'",
                    remedy: names == [""]
                        ? "its files name none: leave \(choice.keys?.split ?? "the split") out to read them all"
                        : "\(Self.list(names, "split")), one of which is read")
            }
        }
        if all.count == 1 { return all[0] }
        let unnamed = all.first { $0.name.isEmpty }?.files.first.map { " besides \($0.path)" } ?? ""
        throw error(
            "it has several splits, \(names.filter { !$0.isEmpty }.joined(separator: ", "))", unnamed,
            remedy: choice.keys.map { "name one in \($0.split), or the files that are meant" }
                ?? "name the files that are meant")
    }

    private static func list(_ names: [String], _ what: String) -> String {
        names.count == 1 ? "its \(what) is \(names[0])" : "its \(what)s are \(names.joined(separator: ", "))"
    }

    private func configurations() throws(DataError) -> [Configuration] {
        let card = try DatasetCard(in: url)
        if let listed = card?.configurations(of: files), !listed.isEmpty { return listed }
        var names = card?.splits
        if names == nil { names = try SplitNames(in: url) }
        if let named = names?.configurations(of: files) { return named }
        let folders = Set(files.compactMap(\.configuration))
        // What lies in folders is of configurations only where nothing lies beside them.
        guard !folders.isEmpty, files.allSatisfy({ $0.configuration != nil }) else {
            return [Configuration(name: "", splits: Self.splits(of: files))]
        }
        return folders.sorted(by: Self.precedes).map { folder in
            Configuration(
                name: folder, isDefault: folder == "default",
                splits: Self.splits(of: files.filter { $0.configuration == folder }))
        }
    }

    /// Files by the splits that their names say. Those that say none are read with those to train on, where there are no others.
    private static func splits(of files: [DataFileName]) -> [Split] {
        let names = Set(files.compactMap(\.split))
        let isOne = names.isEmpty || names == ["train"] || (names.count == 1 && files.allSatisfy { $0.split != nil })
        guard !isOne else { return [Split(name: names.first ?? "", files: files)] }
        return (names.sorted(by: precedes) + [""]).map { name in
            Split(name: name, files: files.filter { ($0.split ?? "") == name })
        }.filter { !$0.files.isEmpty }
    }

    /// Throws for files of several kinds, of which each may hold all rows.
    private func checkKinds(of files: [DataFileName]) throws(DataError) {
        guard let first = files.first, let other = files.first(where: { $0.kind != first.kind }) else { return }
        throw error(
            "a directory with \(first.path) and \(other.path), "
                + (DataFileName.isRead(other.path) && DataFileName.isRead(first.path)
                    ? "which may hold the same rows" : "of which one is not read"),
            remedy: "name the files that are meant")
    }

    /// Throws where a split is known to have more files than there are.
    private func checkShards(of files: [DataFileName]) throws(DataError) {
        for file in files {
            guard let shard = file.shard else { continue }
            let count = files.count { $0.shard == shard && $0.folder == file.folder }
            guard count % shard.count != 0 else { continue }
            throw error(
                "\(count) of \(shard.count) files like \(file.path) are there",
                remedy: "download the others too, or name the files that are meant")
        }
    }

    // MARK: - Files

    private static func dataFiles(under url: URL) -> [DataFileName] {
        guard let entries = FileManager.default.enumerator(atPath: url.resolvingSymlinksInPath().path) else {
            return []
        }
        var files: [DataFileName] = []
        for case let path as String in entries {
            let name = path.split(separator: "/").last.map(String.init) ?? path
            if name.hasPrefix(".") {
                entries.skipDescendants()
            } else if let file = DataFileName(path), !isDirectory(url.appending(path: path)) {
                files.append(file)
            }
        }
        files.sort { precedes($0.path, $1.path) }
        // JSON files beside others describe them, unless they are named as those are.
        let describes = { (file: DataFileName) in file.kind == "json" && file.split == nil && file.shard == nil }
        return files.allSatisfy { $0.kind == "json" } ? files : files.filter { !describes($0) }
    }

    private static func isDirectory(_ url: URL) -> Bool {
        var isDirectory: ObjCBool = false
        return FileManager.default.fileExists(atPath: url.path, isDirectory: &isDirectory) && isDirectory.boolValue
    }

    private static func precedes(_ left: String, _ right: String) -> Bool {
        left.utf8.lexicographicallyPrecedes(right.utf8)
    }
}

extension DataDirectory {
    /// A data set of several that share a directory.
    struct Configuration {
        /// Empty where the directory names none.
        var name: String
        var isDefault = false
        var splits: [Split]
    }

    /// Files that are one part of a data set.
    struct Split {
        /// Empty where nothing names one.
        var name: String
        var files: [DataFileName]
    }
}

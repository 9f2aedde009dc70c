import Foundation
import JSON

/// Configurations of a data set and the names of their splits, of which nothing but names of files says where they are: what
/// `dataset_infos.json` holds, or `dataset_info` in a `README.md`.
struct SplitNames {
    private let configurations: [(name: String, splits: [String])]

    /// `nil` where no configuration has a split.
    init?(_ configurations: [(configuration: String, splits: [String])]) {
        self.configurations = configurations.filter { !$0.splits.isEmpty }.map { ($0.configuration, $0.splits) }
        if self.configurations.isEmpty { return nil }
    }

    /// Those in `dataset_infos.json`; `nil` where there is none.
    ///
    /// - Throws: ``DataError/unusable(path:problem:remedy:)`` for one that is not JSON.
    init?(in directory: URL) throws(DataError) {
        let file = directory.appending(path: "dataset_infos.json")
        guard let text = try? Data(contentsOf: file), !text.isEmpty else { return nil }
        guard case .object(let document)? = try? text.withUnsafeBytes({ try JSON(parsing: $0) }) else {
            throw .unusable(
                path: file.relativePath, problem: "what it says of the data is no JSON object",
                remedy: "mend it or take it away, or name the data's files")
        }
        self.init(
            document.entries.map { entry in
                guard case .object(let information) = entry.value, case .object(let splits)? = information["splits"]
                else {
                    return (entry.key, [])
                }
                return (entry.key, splits.keys)
            })
    }

    /// The configurations with the files that are named after their splits; `nil` where a file is named after none, or after several
    /// alike, so that names of files alone must tell.
    func configurations(of files: [DataFileName]) -> [DataDirectory.Configuration]? {
        var found: [[String: [DataFileName]]] = configurations.map { _ in [:] }
        for file in files {
            let places = configurations.indices.filter { isOf(configurations[$0].name, file) }
            guard places.count == 1, let split = split(of: file, among: configurations[places[0]].splits) else {
                return nil
            }
            found[places[0]][split, default: []].append(file)
        }
        let named = zip(configurations, found).map { configuration, files in
            DataDirectory.Configuration(
                name: configuration.name, isDefault: configuration.name == "default",
                splits: configuration.splits.compactMap { name in
                    files[name].map { DataDirectory.Split(name: name, files: $0) }
                })
        }
        return named.filter { !$0.splits.isEmpty }
    }

    /// Whether a file is of a configuration: the only one, or one that a folder is named after.
    private func isOf(_ name: String, _ file: DataFileName) -> Bool {
        configurations.count == 1 || file.path.split(separator: "/").dropLast().contains { $0 == name }
    }

    /// The longest of the names that the file's name begins with, up to a dash or a dot, or else the one that a folder has. Files of
    /// several that hold a split together have its name alone.
    private func split(of file: DataFileName, among names: [String]) -> String? {
        let parts = file.path.split(separator: "/")
        let named = names.filter { name in
            if let shard = file.shard { return shard.stem == name }
            guard let last = parts.last, last.hasPrefix(name) else { return false }
            return last.dropFirst(name.count).first.map { "-.".contains($0) } ?? true
        }
        return named.max { $0.count < $1.count } ?? names.first { name in parts.dropLast().contains { $0 == name } }
    }
}

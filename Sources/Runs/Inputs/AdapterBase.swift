import Foundation
import JSON
import Transformers

/// What the base of an adapter was when it was trained, in a file beside it: an adapter on other weights says nothing.
package struct AdapterBase: Equatable {
    /// Size and checksum of each file of weights, by name.
    package let files: [String: String]

    /// What lies in a base's directory now; the files are read through.
    package init(of base: ModelDirectory) throws {
        let named = try base.weightFiles().map { url in
            (url.lastPathComponent, try FileIdentity(path: url.path, knowing: nil).contents.text)
        }
        files = Dictionary(uniqueKeysWithValues: named)
    }

    private init(files: [String: String]) { self.files = files }

    /// What an adapter's directory says; `nil` where it says nothing, as one of PEFT's.
    package static func read(from directory: URL) throws -> AdapterBase? {
        guard let data = try? Data(contentsOf: directory.appending(path: AdapterDirectory.baseFileName)) else {
            return nil
        }
        guard case .object(let object)? = data.withUnsafeBytes({ try? JSON(parsing: $0) }),
            case .object(let files)? = object["files"]
        else {
            throw RunError.other(
                "\(directory.appending(path: AdapterDirectory.baseFileName).path): is not what mpo writes; delete it to take the "
                    + "base as it is")
        }
        return AdapterBase(
            files: Dictionary(
                files.entries.compactMap { entry in entry.value.text.map { (entry.key, $0) } }, uniquingKeysWith: { $1 }
            ))
    }

    /// What is wrong with the base that an adapter stands on, and a way out: it is not what it was when the adapter was trained.
    package static func problem(
        of model: ModelDirectory, _ bases: FrozenBases = FrozenBases()
    ) throws -> (problem: String, remedy: String)? {
        guard model.adapter != nil, let earlier = try read(from: model.url),
            let difference = try bases.identity(of: model.base).difference(from: earlier)
        else { return nil }
        return (
            "\(model.url.path) was trained on other weights than those of \(model.base.url.path): \(difference)",
            "name the base that it was trained on as base_model_name_or_path in \(AdapterDirectory.fileNames[0])"
        )
    }

    /// Says it of a base in an adapter's directory, with the way from there to it, by which both can be moved together.
    package func write(to directory: URL, base: URL) throws {
        let sorted = files.sorted { $0.key < $1.key }
        let object = JSONObject(uniqueKeysWithValues: [
            ("relative_path", .string(base.path(relativeTo: directory))),
            ("files", .object(JSONObject(uniqueKeysWithValues: sorted.map { ($0.key, .string($0.value)) }))),
        ])
        try Data((JSON.object(object).compact + "\n").utf8)
            .write(to: directory.appending(path: AdapterDirectory.baseFileName))
    }

    /// The first file that is not what it was, in words; `nil` where all are.
    package func difference(from earlier: AdapterBase) -> String? {
        for (name, contents) in earlier.files.sorted(by: { $0.key < $1.key }) where files[name] != contents {
            return "\(name): \(contents) then, \(files[name] ?? "not there") now"
        }
        return nil
    }
}

extension URL {
    /// The path that leads here from a directory.
    fileprivate func path(relativeTo directory: URL) -> String {
        let (target, start) = (standardizedFileURL.pathComponents, directory.standardizedFileURL.pathComponents)
        let common = zip(target, start).prefix { $0 == $1 }.count
        let steps = Array(repeating: "..", count: start.count - common) + target.dropFirst(common)
        return steps.isEmpty ? "." : steps.joined(separator: "/")
    }
}

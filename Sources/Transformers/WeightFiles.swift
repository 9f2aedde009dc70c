import Foundation
import JSON
import Torch

/// The tensors of `model.safetensors`, or of the files that `model.safetensors.index.json` lists.
struct WeightFiles {
    /// The file that says which tensors there are.
    let url: URL
    private let files: [String: SafetensorsFile]

    init(_ directory: URL) throws {
        let single = directory.appending(path: "model.safetensors")
        let index = directory.appending(path: "model.safetensors.index.json")
        if FileManager.default.fileExists(atPath: single.path) {
            let file = try SafetensorsFile(single)
            url = single
            files = file.entries.mapValues { _ in file }
        } else if FileManager.default.fileExists(atPath: index.path) {
            url = index
            files = try Self.shards(index, directory)
        } else {
            throw ModelError(directory, "there is neither model.safetensors nor model.safetensors.index.json")
        }
    }

    var names: some Collection<String> { files.keys }

    /// The index, and every file of weights in order of name.
    var all: [URL] {
        let weights = Set(files.values.map(\.url.path)).sorted().map { URL(filePath: $0) }
        return weights.count == 1 && weights[0].path == url.path ? weights : [url] + weights
    }

    func contains(_ name: String) -> Bool { files[name] != nil }

    /// The tensor that holds a parameter: under its name, or without the base model's prefix; `nil` where neither is there.
    func name(of parameter: String, _ names: ParameterNames) -> String? {
        if contains(parameter) { return parameter }
        guard parameter.hasPrefix(names.base) else { return nil }
        let bare = String(parameter.dropFirst(names.base.count))
        return contains(bare) ? bare : nil
    }

    func shape(_ name: String) -> [Int]? { files[name]?.entries[name]?.shape }

    /// A tensor in its own type.
    ///
    /// - Throws: where it is not there, or its type cannot be read.
    func tensor(_ name: String) throws -> Tensor { try file(of: name).tensor(name) }

    /// Checks that the type of a tensor can be read, without reading it.
    func checkType(_ name: String) throws {
        guard let entry = try file(of: name).entries[name], entry.type == nil else { return }
        throw ModelError(url, "tensor \(name) has elements of type \(entry.format), which cannot be read")
    }

    private func file(of name: String) throws(ModelError) -> SafetensorsFile {
        guard let file = files[name] else { throw ModelError(url, "tensor \(name) is missing") }
        return file
    }

    func isFinite(_ name: String) throws -> Bool { try files[name]?.isFinite(name) ?? true }

    func read(_ name: String, into parameter: Tensor) throws {
        try file(of: name).read(name, into: parameter)
    }

    /// Whether two tensors hold the same numbers, element by element.
    func isSame(_ name: String, as other: String) throws -> Bool {
        guard let file = files[name], let otherFile = files[other] else { return false }
        guard shape(name) == shape(other) else { return false }
        return try file.holds(name, sameAs: other, of: otherFile)
    }

    private static func shards(_ index: URL, _ directory: URL) throws -> [String: SafetensorsFile] {
        guard case .object(let map)? = try JSONObject(modelFile: index)["weight_map"] else {
            throw ModelError(index, "weight_map is missing")
        }
        var opened: [String: SafetensorsFile] = [:]
        var files: [String: SafetensorsFile] = [:]
        for (tensor, value) in map.entries.map({ ($0.key, $0.value) }) {
            guard case .string(let name) = value, !name.contains("/") else {
                throw ModelError(index, "weight_map names no file of this directory for tensor \(tensor)")
            }
            let file = try opened[name] ?? SafetensorsFile(directory.appending(path: name))
            opened[name] = file
            guard file.entries[tensor] != nil else {
                throw ModelError(file.url, "tensor \(tensor), which the index places here, is missing")
            }
            files[tensor] = file
        }
        return files
    }
}

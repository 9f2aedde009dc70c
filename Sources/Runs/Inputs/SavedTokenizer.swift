import Foundation
import JSON
import PreferenceData
import Tokenizers

/// The tokenizer files of a saved model: those of the run byte for byte, but for what the run was told.
///
/// A model that learnt a chat template and an end token other than its tokenizer's is of use only with them.
package struct SavedTokenizer: Sendable {
    /// The files of the run's tokenizer.
    package let files: [URL]
    /// Jinja text of the chat template that the run was told; `nil` where it was told none.
    package let template: String?
    /// The end token that the run was told; `nil` where it was told none.
    package let endToken: String?

    private static let settingsFile = "tokenizer_config.json"

    /// Writes the files that are not there yet.
    package func write(to directory: URL) throws {
        for file in files {
            let templatePath = ChatTemplateSource.path(of: file)
            // What the run was told stands for all of them.
            if template != nil, templatePath != nil { continue }
            // By content: a download cache holds links.
            try write(try contents(of: file), templatePath ?? file.lastPathComponent, to: directory)
        }
        if let template { try write(Data(template.utf8), ChatTemplateSource.standardFile, to: directory) }
        if let endToken, !files.contains(where: { $0.lastPathComponent == Self.settingsFile }) {
            var settings = JSONObject()
            settings["eos_token"] = .string(endToken)
            try write(Data((JSON.object(settings).indented() + "\n").utf8), Self.settingsFile, to: directory)
        }
    }

    private func write(_ data: Data, _ name: String, to directory: URL) throws {
        let url = directory.appending(path: name)
        guard !FileManager.default.fileExists(atPath: url.path) else { return }
        try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try data.write(to: url)
    }

    /// A file as it is to be saved: other files than these two name neither template nor end token.
    private func contents(of file: URL) throws -> Data {
        let data = try Data(contentsOf: file)
        let isSettings = file.lastPathComponent == Self.settingsFile
        guard isSettings || file.lastPathComponent == "special_tokens_map.json", template != nil || endToken != nil
        else { return data }
        guard case .object(var object)? = try? JSON(parsing: String(decoding: data, as: UTF8.self)) else {
            throw RunError.other("\(file.path): it is not a JSON object, so that no end token can be written into it")
        }
        let before = object
        if template != nil { object["chat_template"] = nil }
        if let endToken, isSettings || object["eos_token"] != nil { object["eos_token"] = .string(endToken) }
        return object == before ? data : Data((JSON.object(object).indented() + "\n").utf8)
    }
}

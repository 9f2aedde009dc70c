import Foundation

/// What the files beside a `tokenizer.json` say.
struct TokenizerSettings {
    /// By the key that names the token: `bos_token`, `eos_token`, `pad_token`, `unk_token`.
    var roles: [String: (text: String, node: JSONNode)] = [:]
    /// Every token that a key names, in the order of the files.
    var names: [(text: String, node: JSONNode)] = []
    var addedTokens: [(token: AddedToken, node: JSONNode)] = []
    var endIDs: [Int32] = []
    var chatTemplate: String?
    var files: [URL] = []

    init() {}

    init(directory: URL) throws {
        func existing(_ name: String) -> URL? {
            let url = directory.appending(path: name)
            return FileManager.default.fileExists(atPath: url.path) ? url : nil
        }
        // The map is the older place; what tokenizer_config.json says counts.
        for name in ["special_tokens_map.json", "tokenizer_config.json"] {
            guard let url = existing(name) else { continue }
            files.append(url)
            let node = try JSONNode(contentsOf: url)
            try readNames(node)
            try readAddedTokens(node)
            chatTemplate = try Self.template(node["chat_template"]) ?? chatTemplate
        }
        if let url = existing("chat_template.jinja") {
            files.append(url)
            do {
                chatTemplate = try String(contentsOf: url, encoding: .utf8)
            } catch {
                throw TokenizerError.unreadable(file: url.path, reason: "\(error.localizedDescription)")
            }
        }
        for name in ["generation_config.json", "config.json"] where endIDs.isEmpty {
            if let url = existing(name) { endIDs = try Self.endIDs(try JSONNode(contentsOf: url)["eos_token_id"]) }
        }
    }

    private mutating func readNames(_ node: JSONNode) throws {
        for role in ["bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token"] {
            guard let value = node[role] else { continue }
            let text = try value["content"]?.string() ?? value.string()
            roles[role] = (text, value)
            names.append((text, value))
        }
    }

    private mutating func readAddedTokens(_ node: JSONNode) throws {
        for (key, value) in try node["added_tokens_decoder"]?.members() ?? [] {
            guard let id = Int(key), (0...Vocabulary.maximumID).contains(id) else {
                throw value.invalid("the key must be a token id")
            }
            addedTokens.append((try AddedToken(value, id: id), value))
        }
    }

    /// A template, or the one named `default` in a list of named ones.
    private static func template(_ node: JSONNode?) throws -> String? {
        guard let node else { return nil }
        guard case .array = node.value else { return try node.string() }
        let named = try node.array().first { try $0["name"]?.string() == "default" }
        return try named?.required("template").string()
    }

    private static func endIDs(_ node: JSONNode?) throws -> [Int32] {
        guard let node else { return [] }
        let nodes: [JSONNode] = if case .array = node.value { try node.array() } else { [node] }
        return try nodes.map { Int32(try $0.integer(in: 0...Vocabulary.maximumID)) }
    }
}

extension Tokenizer {
    /// Reads the tokenizer of a model directory: `tokenizer.json`, and what `tokenizer_config.json`,
    /// `special_tokens_map.json`, `chat_template.jinja` and `generation_config.json` (else `config.json`) add to it.
    ///
    /// - Throws: `TokenizerError` that names the file and the component or key at fault.
    public convenience init(directory: URL) throws {
        try self.init(
            file: directory.appending(path: "tokenizer.json"), settings: try TokenizerSettings(directory: directory))
    }
}

import Foundation

/// What the files beside a `tokenizer.json` say, read by the rules of transformers.
struct TokenizerSettings {
    /// A token and the key that names it.
    struct Role {
        let key: String
        let token: AddedToken
    }

    /// Tokens that a key names, in transformers' order.
    private(set) var roles: [Role] = []
    /// Keys that a file names, with or without a token.
    private var namedRoles: Set<String> = []
    /// `additional_special_tokens` and `extra_special_tokens`.
    private(set) var furtherTokens: [AddedToken] = []
    /// `added_tokens_decoder`, else `added_tokens.json`, by id.
    private(set) var addedTokens: [(id: Int, token: AddedToken)] = []
    /// A token of `addedTokens` is left out where `tokenizer.json` declares another one with its id.
    private(set) var losesToDeclared = false
    /// The token that ends a text, whatever the files say.
    var endToken: String?
    private(set) var endIDs: [Int32] = []
    private(set) var chatTemplates: [ChatTemplateSource] = []
    private(set) var files: [URL] = []
    /// `add_prefix_space`, a boolean.
    private(set) var prefixSpace: LocatedJSON?
    private(set) var addsBOS = false
    private(set) var addsEOS = false
    /// `split_special_tokens`: special tokens in text are text.
    private(set) var splitsSpecialTokens = false
    /// `tokenizer_class`, and `model_type` of `config.json`.
    private(set) var className: String?
    private(set) var modelType: String?

    static let roleKeys = [
        "bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token",
    ]

    init() {}

    init(directory: URL) throws {
        func existing(_ name: String) -> URL? {
            let url = directory.appending(path: name)
            return FileManager.default.fileExists(atPath: url.path) ? url : nil
        }
        func read(_ name: String) throws -> LocatedJSON? {
            guard let url = existing(name) else { return nil }
            files.append(url)
            let node = try LocatedJSON(contentsOf: url)
            _ = try node.members()
            return node
        }
        let map = try read("special_tokens_map.json")
        let config = try read("tokenizer_config.json")
        let added = try read("added_tokens.json")
        // `added_tokens_decoder` says all: the older files beside it are not looked at.
        let isComplete = config?["added_tokens_decoder"] != nil
        let sources = SettingSources(config: config, map: isComplete ? nil : map)
        try readRoles(sources)
        try readFurtherTokens(sources)
        if isComplete {
            try readDecoder(config?["added_tokens_decoder"])
        } else {
            try readAddedTokens(added)
        }
        try readSwitches(sources)
        chatTemplates = try ChatTemplateSource.all(of: sources["chat_template"], in: directory)
        try readTemplateFiles(in: directory)
        for name in ["generation_config.json", "config.json"] {
            guard let url = existing(name) else { continue }
            let node = try LocatedJSON(contentsOf: url)
            if endIDs.isEmpty { endIDs = try Self.endIDs(node["eos_token_id"]) }
            guard name == "config.json" else { continue }
            modelType = try node["model_type"]?.string()
            className = try className ?? node["tokenizer_class"]?.string()
        }
    }

    /// Whether a file says what the role's token is, or that it has none.
    func namesRole(_ key: String) -> Bool { namedRoles.contains(key) }
}

/// The settings of `tokenizer_config.json`, and of `special_tokens_map.json` where that is looked at and then wins.
private struct SettingSources {
    let config: LocatedJSON?
    let map: LocatedJSON?

    /// The value of `key`; `nil` where it is absent or null.
    subscript(key: String) -> LocatedJSON? { map?.contains(key) ?? false ? map?[key] : config?[key] }

    func contains(_ key: String) -> Bool { [map, config].contains { $0?.contains(key) ?? false } }
}

extension TokenizerSettings {
    private mutating func readRoles(_ sources: SettingSources) throws {
        for key in Self.roleKeys where sources.contains(key) {
            namedRoles.insert(key)
            guard let node = sources[key] else { continue }
            roles.append(Role(key: key, token: try Self.special(node)))
        }
    }

    /// A list of extra tokens stands for the additional ones too; extra tokens by name come beside them.
    private mutating func readFurtherTokens(_ sources: SettingSources) throws {
        let extra = sources["extra_special_tokens"]
        if let extra, case .array = extra.value {
            furtherTokens = try extra.array().map(Self.special)
            if !furtherTokens.isEmpty { return }
        }
        // Of both files' lists, the config's.
        let additional = sources.config?["additional_special_tokens"] ?? sources.map?["additional_special_tokens"]
        furtherTokens = try additional?.array().map(Self.special) ?? []
        if let extra, case .object = extra.value {
            furtherTokens += try extra.members().map { try Self.special($0.value) }
        }
    }

    private static func special(_ node: LocatedJSON) throws -> AddedToken {
        guard case .object = node.value else { return AddedToken(content: try node.string(), isSpecial: true) }
        return try AddedToken(node, isSpecial: true)
    }

    private mutating func readDecoder(_ node: LocatedJSON?) throws {
        for (key, value) in try node?.members() ?? [] {
            guard let id = Int(key), (0...Vocabulary.maximumID).contains(id) else {
                throw value.invalid("the key must be a token id")
            }
            addedTokens.append((id, try AddedToken(value)))
        }
        addedTokens.sort { $0.id < $1.id }
    }

    private mutating func readAddedTokens(_ node: LocatedJSON?) throws {
        losesToDeclared = true
        for (content, value) in try node?.members() ?? [] {
            let id = try value.integer(in: 0...Vocabulary.maximumID)
            addedTokens.append((id, AddedToken(content: content, isSpecial: false)))
        }
        addedTokens.sort { $0.id < $1.id }
        let special = Set((roles.map(\.token) + furtherTokens).map { Array($0.content.utf8) })
        for index in addedTokens.indices where special.contains(Array(addedTokens[index].token.content.utf8)) {
            addedTokens[index].token = AddedToken(content: addedTokens[index].token.content, isSpecial: true)
        }
    }

    private mutating func readSwitches(_ sources: SettingSources) throws {
        prefixSpace = sources["add_prefix_space"]
        _ = try prefixSpace?.bool()
        addsBOS = try sources["add_bos_token"]?.bool() ?? false
        addsEOS = try sources["add_eos_token"]?.bool() ?? false
        splitsSpecialTokens = try sources["split_special_tokens"]?.bool() ?? false
        className = try sources.config?["tokenizer_class"]?.string()
        if let node = sources["fast_tokenizer_files"],
            let other = try node.array().first(where: { try $0.string() != "tokenizer.json" })
        {
            throw other.invalid("other files than tokenizer.json are not read; take the key out if that one is right")
        }
    }

    /// Files of templates stand for all that the key names.
    private mutating func readTemplateFiles(in directory: URL) throws {
        let found = ChatTemplateSource.files(in: directory)
        guard !found.isEmpty else { return }
        chatTemplates = try found.map { path, name in
            let url = directory.appending(path: path)
            files.append(url)
            do {
                let jinja = try String(contentsOf: url, encoding: .utf8)
                return ChatTemplateSource(name: name, jinja: jinja, file: url)
            } catch {
                throw TokenizerError.unreadable(file: url.path, reason: "\(error.localizedDescription)")
            }
        }
    }

    private static func endIDs(_ node: LocatedJSON?) throws -> [Int32] {
        guard let node else { return [] }
        let nodes: [LocatedJSON] = if case .array = node.value { try node.array() } else { [node] }
        return try nodes.map { Int32(try $0.integer(in: 0...Vocabulary.maximumID)) }
    }
}

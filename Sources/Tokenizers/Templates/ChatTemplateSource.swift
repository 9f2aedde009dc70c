import Foundation

/// The text of a chat template that came with a model, which may bring several: for each conversation transformers takes the one
/// named `tool_use` where tools are given, else the one named `default`.
public struct ChatTemplateSource: Sendable, Equatable {
    /// `default`, `tool_use` or another.
    public let name: String
    /// Its Jinja text.
    public let jinja: String
    /// What messages call it: the file that it stands in, and its name where such a file holds several.
    public let title: String

    /// The name of the one for conversations without tools, and of a model's only one.
    public static let standard = "default"
    /// The name of the one for conversations with tools.
    public static let toolUse = "tool_use"

    init(name: String, jinja: String, file: URL, isOfSeveral: Bool = false) {
        (self.name, self.jinja) = (name, jinja)
        title = "\(isOfSeveral ? "'\(name)' " : "")of \(file.relativePath)"
    }

    /// The template.
    ///
    /// - Throws: ``ChatTemplateError/unreadable(_:template:)``.
    public func template() throws(ChatTemplateError) -> ChatTemplate { try ChatTemplate(jinja: jinja, name: title) }

    /// All that a model's directory brings, by the rules of transformers.
    ///
    /// - Throws: ``TokenizerError`` for files that cannot be read.
    public static func all(in directory: URL) throws -> [ChatTemplateSource] {
        try TokenizerSettings(directory: directory).chatTemplates
    }

    /// The files of a directory that hold a template each, beside those of the tokenizer: a path within the directory and the
    /// template's name, by name.
    package static func files(in directory: URL) -> [(path: String, name: String)] {
        let folder = (try? FileManager.default.contentsOfDirectory(atPath: directory.appending(path: Self.folder).path))
        let others = (folder ?? []).filter { $0.hasSuffix(suffix) }.sorted {
            $0.utf8.lexicographicallyPrecedes($1.utf8)
        }
        let isThere = FileManager.default.fileExists(atPath: directory.appending(path: standardFile).path)
        return (isThere ? [(standardFile, standard)] : [])
            + others.map { ("\(Self.folder)/\($0)", String($0.dropLast(suffix.count))) }
    }

    /// The path within its directory of a file that holds a template alone; `nil` for any other.
    package static func path(of file: URL) -> String? {
        let (name, parent) = (file.lastPathComponent, file.deletingLastPathComponent().lastPathComponent)
        if parent == folder, name.hasSuffix(suffix) { return "\(folder)/\(name)" }
        return name == standardFile ? name : nil
    }

    /// The file that holds the one for conversations without tools.
    package static let standardFile = "chat_template.jinja"
    private static let folder = "additional_chat_templates"
    private static let suffix = ".jinja"
}

extension ChatTemplateSource {
    /// The templates that a key of a file in `directory` holds: a text, a list of `{name, template}`, or texts by name.
    static func all(of node: LocatedJSON?, in directory: URL) throws -> [ChatTemplateSource] {
        guard let node else { return [] }
        let file = directory.appending(path: URL(filePath: node.file).lastPathComponent)
        func source(_ name: String, _ text: LocatedJSON) throws -> ChatTemplateSource {
            ChatTemplateSource(name: name, jinja: try text.string(), file: file, isOfSeveral: true)
        }
        switch node.value {
        case .array:
            return try node.array().map { try source(try $0.required("name").string(), $0.required("template")) }
        case .object: return try node.members().map { try source($0.key, $0.value) }
        default: return [ChatTemplateSource(name: standard, jinja: try node.string(), file: file)]
        }
    }
}

extension Tokenizer {
    /// The text of the chat template that came with the tokenizer for conversations without tools; `nil` where none did.
    public var chatTemplateText: String? { chatTemplates.last { $0.name == ChatTemplateSource.standard }?.jinja }

    /// The template of this name that came with the tokenizer; `nil` where none did.
    ///
    /// - Throws: ``ChatTemplateError/unreadable(_:template:)``.
    public func chatTemplate(
        named name: String = ChatTemplateSource.standard
    ) throws(ChatTemplateError) -> ChatTemplate? {
        try chatTemplates.last { $0.name == name }?.template()
    }
}

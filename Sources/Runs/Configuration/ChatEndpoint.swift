/// A model behind an OpenAI-compatible server, as `openai:URL#MODEL` names it.
package struct ChatEndpoint: Sendable, Hashable {
    /// The server's address up to its version: `http://localhost:8000/v1`.
    package let url: String
    /// The model's name there.
    package let model: String

    /// What is wrong with a reference, in words that follow it, and what helps.
    package struct Fault: Error, Equatable {
        package let reason: String
        package let remedy: String
    }

    /// How a reference is written.
    package static let form = "openai:URL#MODEL, as in openai:http://localhost:8000/v1#Qwen/Qwen3-8B"

    /// - Parameter text: What follows `openai:`.
    /// - Throws: ``Fault`` where that is no address with a model, or carries a secret.
    package init(_ text: String) throws(Fault) {
        guard let hash = text.firstIndex(of: "#") else { throw Self.fault("names no model") }
        var url = String(text[..<hash])
        let model = String(text[text.index(after: hash)...])
        guard !model.isEmpty else { throw Self.fault("has no model behind the #") }
        guard !text.contains(where: { $0.isWhitespace || $0.unicodeScalars.contains { $0.value < 0x20 } }) else {
            throw Self.fault("has a space in it")
        }
        guard let scheme = ["http://", "https://"].first(where: url.lowercased().hasPrefix) else {
            throw Self.fault("has no address that begins with http:// or https://")
        }
        let rest = url.dropFirst(scheme.count)
        let host = rest.prefix { $0 != "/" }
        guard !host.isEmpty else { throw Self.fault("names no server") }
        guard !host.contains("@"), !url.contains("?") else {
            throw Fault(
                reason: "may carry a secret, and this text stands in files",
                remedy: "take it out, and put the key into the environment as MPO_JUDGE_API_KEY")
        }
        if url.hasSuffix(Self.completions) { url.removeLast(Self.completions.count) }
        while url.hasSuffix("/") { url.removeLast() }
        (self.url, self.model) = (url, model)
    }

    /// Where questions are sent.
    package var completionsURL: String { url + Self.completions }
    /// Where the models are listed.
    package var modelsURL: String { url + "/models" }

    private static let completions = "/chat/completions"

    private static func fault(_ reason: String) -> Fault { Fault(reason: reason, remedy: "write \(form)") }
}

extension ChatEndpoint: CustomStringConvertible {
    /// As messages name it.
    package var description: String { "judge \(url)#\(model)" }
}

import Foundation
import TestSupport
import Testing
import Tokenizers

/// Whole directories; see `make_directory_fixtures.py` for what is expected, and why.
@Suite("Tokenizer directories mean what transformers makes of them")
struct DirectoryTests {
    private struct Expected: Decodable {
        var ids: String
        var decoded: String
        var roles: [String: Role]
        var template: String?
    }

    /// A token's text and id.
    private struct Role: Decodable, Equatable {
        var text: String
        var id: Int32

        init(_ token: SpecialTokens.Token) { (text, id) = (token.text, token.id) }

        init(from decoder: any Decoder) throws {
            var pair = try decoder.unkeyedContainer()
            (text, id) = (try pair.decode(String.self), try pair.decode(Int32.self))
        }
    }

    private func write(_ value: Any, _ name: String, in directory: URL) throws {
        let data = try (value as? String).map { Data($0.utf8) } ?? JSONSerialization.data(withJSONObject: value)
        try data.write(to: directory.appending(path: name))
    }

    @Test("in ids, decoded text, special tokens and chat template")
    func directories() throws {
        let file = TokenizerFixtures.directory.appending(path: "directories.json")
        let fixture = try #require(try JSONSerialization.jsonObject(with: Data(contentsOf: file)) as? [String: Any])
        let bases = try #require(fixture["bases"] as? [String: [String: Any]])
        let texts = try #require(fixture["texts"] as? [String])
        let tokens = try #require(fixture["tokens"] as? [Int]).map { Int32($0) }
        let cases = try #require(fixture["cases"] as? [[String: Any]])
        #expect(cases.count > 100)
        for item in cases {
            let name = try #require(item["name"] as? String)
            let expected = try JSONDecoder().decode(
                Expected.self, from: JSONSerialization.data(withJSONObject: try #require(item["expected"])))
            try TestSupport.withTemporaryDirectory { directory in
                let base = try #require((item["base"] as? String).flatMap { bases[$0] })
                let changes = try #require(item["changes"] as? [String: Any])
                try write(base.merging(changes) { $1 }, "tokenizer.json", in: directory)
                try write(["model_type": item["model"]], "config.json", in: directory)
                for (file, content) in try #require(item["files"] as? [String: Any]) {
                    try write(content, file, in: directory)
                }
                let tokenizer: Tokenizer
                do {
                    tokenizer = try Tokenizer(directory: directory)
                } catch {
                    Issue.record("\(name): \(error)")
                    return
                }
                let ids = texts.map { text in
                    tokenizer.encode(text, addSpecialTokens: true).map(String.init).joined(separator: " ")
                }
                #expect(ids.joined(separator: "|") == expected.ids, "\(name)")
                #expect(tokenizer.decode(tokens, skipSpecialTokens: true) == expected.decoded, "\(name)")
                let special = tokenizer.specialTokens
                let roles = ["bos": special.bos, "eos": special.eos, "pad": special.pad, "unknown": special.unknown]
                #expect(roles.compactMapValues { $0.map(Role.init) } == expected.roles, "\(name)")
                #expect(tokenizer.chatTemplateText == expected.template, "\(name)")
            }
        }
    }
}

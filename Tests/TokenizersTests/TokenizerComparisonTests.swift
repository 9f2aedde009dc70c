import Foundation
import TestSupport
import Testing
import Tokenizers

@Suite("Whether two tokenizers give the same ids")
struct TokenizerComparisonTests {
    private let base = #"""
        {"added_tokens": [{"id": 4, "content": "<s>", "special": true}, {"id": 5, "content": "</s>", "special": true}],
         "normalizer": null, "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false},
         "post_processor": null, "decoder": {"type": "ByteLevel"},
         "model": {"type": "BPE", "vocab": {"a": 0, "b": 1, "ab": 2, "ba": 3}, "merges": ["a b", "b a"]}}
        """#
    private let roles = #"{"bos_token": "<s>", "eos_token": "</s>", "chat_template": "x"}"#

    private func tokenizer(_ text: String, _ settings: String) throws -> Tokenizer {
        try TestSupport.withTemporaryDirectory { directory in
            try Data(text.utf8).write(to: directory.appending(path: "tokenizer.json"))
            try Data(settings.utf8).write(to: directory.appending(path: "tokenizer_config.json"))
            return try Tokenizer(directory: directory)
        }
    }

    @Test(
        "Whatever gives a text other ids is a difference, both ways round",
        arguments: [
            (#""a": 0, "b": 1"#, #""b": 0, "a": 1"#, "id 0 is"),
            (#""ba": 3}, "merges": ["a b", "b a"]"#, #""bb": 3}, "merges": ["a b", "b b"]"#, "id 3 is"),
            (#"["a b", "b a"]"#, #"["b a", "a b"]"#, "put together"),
            (#""normalizer": null"#, #""normalizer": {"type": "NFC"}"#, "normalised"),
            (#""add_prefix_space": false"#, #""add_prefix_space": true"#, "taken apart"),
            (#""content": "</s>""#, #""content": "<e>""#, "id 5 is"),
            (#""content": "</s>", "special""#, #""content": "</s>", "lstrip": true, "special""#, "other places"),
            (
                #"{"id": 5, "content": "</s>", "special": true}"#,
                #"{"id": 5, "content": "<e>"}, {"id": 6, "content": "</s>", "special": true}"#, "id 5 is"
            ),
            (#"true}]"#, #"true}, {"id": 6, "content": "<|user|>"}]"#, "<|user|>"),
            (
                #""post_processor": null"#,
                #"""
                "post_processor": {"type": "TemplateProcessing", "special_tokens": {"<s>": {"id": "<s>", "ids": [4]}},
                  "single": [{"SpecialToken": {"id": "<s>"}}, {"Sequence": {"id": "A"}}]}
                """#, "begin with"
            ),
        ])
    func different(part: String, replacement: String, clue: String) throws {
        let text = base.replacingOccurrences(of: part, with: replacement)
        #expect(text != base)
        let settings = text.contains("</s>") ? roles : #"{"bos_token": "<s>"}"#
        let (left, right) = (try tokenizer(base, roles), try tokenizer(text, settings))
        #expect(left.difference(from: right)?.contains(clue) == true, "\(left.difference(from: right) ?? "none")")
        #expect(right.difference(from: left)?.contains(clue) == true)
    }

    @Test("What ends or pads a text, templates, decoding and the way a file is written are none")
    func same() throws {
        let changes = [
            (base, #"{"bos_token": "</s>", "eos_token": "<s>", "chat_template": "y"}"#),
            (base, #"{"eos_token": "ab"}"#),
            (base.replacingOccurrences(of: #"["a b", "b a"]"#, with: #"[["a", "b"], ["b", "a"]]"#), roles),
            (base.replacingOccurrences(of: #""decoder": {"type": "ByteLevel"}"#, with: #""decoder": null"#), roles),
            (
                base.replacingOccurrences(
                    of: "true}]", with: #"true}, {"id": 6, "content": "<pad>", "special": true}]"#),
                #"{"bos_token": "<s>", "eos_token": "</s>", "pad_token": "<pad>"}"#
            ),
            (
                base.replacingOccurrences(of: #""ba": 3}"#, with: #""ba": 3, "<s>": 4}"#), roles
            ),
        ]
        let own = try tokenizer(base, roles)
        for (text, settings) in changes {
            let other = try tokenizer(text, settings)
            #expect(own.difference(from: other) == nil && other.difference(from: own) == nil, "\(text) \(settings)")
        }
        let more = try tokenizer(
            base.replacingOccurrences(of: "true}]", with: #"true}, {"id": 6, "content": "<|user|>"}]"#), roles)
        #expect(more.difference(from: own, allowingMore: true) == nil)
        #expect(own.difference(from: more, allowingMore: true) != nil)
    }

    @Test("Each small tokenizer is itself and no other one")
    func fixtures() throws {
        let names = TokenizerFixtures.names.prefix(8)
        for left in names {
            for right in names {
                let difference = try TokenizerFixtures.tokenizer(left).difference(
                    from: TokenizerFixtures.tokenizer(right))
                #expect((difference == nil) == (left == right), "\(left) \(right) \(difference ?? "")")
            }
        }
    }
}

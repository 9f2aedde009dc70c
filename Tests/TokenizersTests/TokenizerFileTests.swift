import Foundation
import TestSupport
import Testing
import Tokenizers

@Suite("Reading tokenizer files")
struct TokenizerFileTests {
    /// A small good document in which tests replace one thing.
    private let good = #"""
        {"added_tokens": [{"id": 3, "content": "<s>", "special": true}], "normalizer": null,
         "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false}, "post_processor": null,
         "decoder": {"type": "ByteLevel"},
         "model": {"type": "BPE", "vocab": {"a": 0, "b": 1, "ab": 2}, "merges": [["a", "b"]]}}
        """#

    private func load(_ text: String) throws -> Tokenizer {
        try TestSupport.withTemporaryDirectory { directory in
            let file = directory.appending(path: "tokenizer.json")
            try Data(text.utf8).write(to: file)
            return try Tokenizer(file: file)
        }
    }

    @Test("A small file is read; ids and texts are found both ways")
    func reads() throws {
        let tokenizer = try load(good)
        #expect(tokenizer.encode("abba<s>", addSpecialTokens: true) == [2, 1, 0, 3])
        #expect(tokenizer.vocabularySize == 4 && tokenizer.id(of: "ab") == 2 && tokenizer.token(of: 3) == "<s>")
        #expect(tokenizer.id(of: "c") == nil && tokenizer.token(of: -1) == nil && tokenizer.token(of: .max) == nil)
        #expect(tokenizer.decode([2, 3, -5, 99, .max], skipSpecialTokens: true) == "ab")
        #expect(tokenizer.isSpecial(3) && !tokenizer.isSpecial(2))
    }

    @Test(
        "What is not supported is an error that names it and the file",
        arguments: [
            (#""normalizer": null"#, #""normalizer": {"type": "BertNormalizer"}"#, "BertNormalizer"),
            (#""type": "ByteLevel", "add_prefix_space": false"#, #""type": "UnicodeScripts""#, "UnicodeScripts"),
            (
                #""type": "ByteLevel", "add_prefix_space": false"#,
                #""type": "Split", "behavior": "Isolated", "pattern": {"Regex": "\\w+"}"#, "\\w+"
            ),
            (
                #""type": "ByteLevel", "add_prefix_space": false"#, #""type": "Punctuation", "behavior": "Kept""#,
                "the behavior Kept"
            ),
            (
                #"{"type": "ByteLevel", "add_prefix_space": false}"#,
                #"{"type": "Sequence", "pretokenizers": [{"type": "ByteLevel"}, {"type": "ByteLevel"}]}"#,
                "ByteLevel after ByteLevel"
            ),
            (#""post_processor": null"#, #""post_processor": {"type": "RobertaProcessing"}"#, "RobertaProcessing"),
            (#""decoder": {"type": "ByteLevel"}"#, #""decoder": {"type": "WordPiece"}"#, "WordPiece"),
            (#""type": "BPE""#, #""type": "Unigram""#, "Unigram"),
            (#""type": "BPE""#, #""type": "BPE", "dropout": 0.1"#, "dropout"),
            (#""type": "BPE""#, #""type": "BPE", "end_of_word_suffix": "</w>""#, "end_of_word_suffix"),
        ])
    func unsupported(part: String, replacement: String, name: String) throws {
        let error = #expect(throws: TokenizerError.self) {
            try load(good.replacingOccurrences(of: part, with: replacement))
        }
        guard case .unsupported(let file, let component)? = error else {
            Issue.record("expected unsupported, not \(String(describing: error))")
            return
        }
        #expect(file.hasSuffix("tokenizer.json") && component.contains(name))
    }

    @Test(
        "What is not JSON is an error with the byte where it ends to be",
        arguments: [
            (#"{"model": 1,}"#, 12, "expected a key in quotes"), (#"{"a": "\ud800"}"#, 7, "half of a surrogate pair"),
            (#"{"é": NaN}"#, 7, "NaN is no value of JSON; write null or a number, or leave the key out"),
            ("", 0, "it ends where a value should come"), ("{} x", 3, "text after the end of the value"),
        ])
    func malformed(text: String, offset: Int, reason: String) throws {
        let error = try #require(throws: TokenizerError.self) { try load(text) }
        #expect("\(error)".hasSuffix("tokenizer.json: not valid JSON at byte \(offset): \(reason)"))
    }

    @Test(
        "Contradictions, wrong types and numbers out of range are errors that name the key",
        arguments: [
            (#""a": 0"#, #""a": -1"#, "model.vocab.a"), (#""a": 0"#, #""a": 99999999999999999999"#, "model.vocab.a"),
            (#""a": 0"#, #""a": 2000000000"#, "model.vocab.a"), (#""a": 0"#, #""a": "0""#, "model.vocab.a"),
            (#""a": 0"#, #""a": 0.5"#, "model.vocab.a"), (#""b": 1"#, #""b": 0"#, "model.vocab.b"),
            (#""b": 1"#, #""a": 1"#, "model.vocab.a"), (#"["a", "b"]"#, #"["a", "c"]"#, "model.merges"),
            (#"["a", "b"]"#, #"["b", "a"]"#, "model.merges"), (#"["a", "b"]"#, #""a b b""#, "model.merges"),
            (#"["a", "b"]"#, "[]", "model.merges"), (#""merges": [["a", "b"]]"#, #""merges": 3"#, "model.merges"),
            (#""merges": [["a", "b"]]"#, #""x": 3"#, "model"),
            (#""id": 3"#, #""id": 1e9"#, "added_tokens[0].id"),
            (#""content": "<s>""#, #""text": "<s>""#, "added_tokens[0]"),
            (#""type": "BPE""#, #""type": "BPE", "unk_token": "?""#, "model.unk_token"),
            (#""add_prefix_space": false"#, #""add_prefix_space": "no""#, "pre_tokenizer.add_prefix_space"),
            (
                #""post_processor": null"#,
                #""post_processor": {"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "x"}}]}"#,
                "post_processor.single[0]"
            ),
        ])
    func invalid(part: String, replacement: String, key: String) throws {
        #expect(good.contains(part))
        let error = #expect(throws: TokenizerError.self) {
            try load(good.replacingOccurrences(of: part, with: replacement))
        }
        guard case .invalid(_, let found, _)? = error else {
            Issue.record("expected invalid, not \(String(describing: error))")
            return
        }
        #expect(found == key)
        #expect(error?.description.contains("\n") == false)
    }

    @Test("No beginning of a good file, and no file with a byte changed, makes it crash")
    func hostile() throws {
        let bytes = Array(good.utf8)
        for count in 0..<bytes.count {
            #expect(throws: TokenizerError.self) { try load(String(decoding: bytes[..<count], as: UTF8.self)) }
        }
        var state: UInt64 = 1
        for index in bytes.indices {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            var changed = bytes
            changed[index] = UInt8(0x20 + (state >> 33) % 95)
            let tokenizer = try? load(String(decoding: changed, as: UTF8.self))
            _ = tokenizer?.encode("ab <s> \u{1F600}", addSpecialTokens: true)
        }
        #expect(throws: TokenizerError.self) { try load(String(repeating: "[", count: 100_000)) }
        #expect(throws: TokenizerError.self) { try load(#"{"model": "\ud800"}"#) }
        #expect(throws: TokenizerError.self) { try load("[1, 2]") }
    }

    @Test("A directory brings chat templates by name, in files of their own or else in its settings")
    func chatTemplates() throws {
        try TestSupport.withTemporaryDirectory { directory in
            func write(_ name: String, _ text: String) throws {
                let url = directory.appending(path: name)
                try FileManager.default.createDirectory(
                    at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
                try Data(text.utf8).write(to: url)
            }
            func names() throws -> [String] {
                try Tokenizer(directory: directory).chatTemplates.map { "\($0.name) \($0.jinja)" }
            }
            try write("tokenizer.json", good)
            #expect(try names() == [])
            let settings = directory.relativePath + "/tokenizer_config.json"
            try write("tokenizer_config.json", #"{"chat_template": "a"}"#)
            #expect(try names() == ["default a"])
            try write("tokenizer_config.json", #"{"chat_template": {"default": "a", "rag": "b"}}"#)
            #expect(try names() == ["default a", "rag b"])
            try write(
                "tokenizer_config.json",
                #"{"chat_template": [{"name": "tool_use", "template": "{{"}, {"name": "default", "template": "b"}]}"#)
            #expect(try names() == ["tool_use {{", "default b"])
            let tokenizer = try Tokenizer(directory: directory)
            #expect(try tokenizer.chatTemplateText == "b" && tokenizer.chatTemplate(named: "rag") == nil)
            let unreadable = #expect(throws: ChatTemplateError.self) { try tokenizer.chatTemplate(named: "tool_use") }
            #expect(
                "\(unreadable.map { "\($0)" } ?? "")".hasPrefix("the chat template 'tool_use' of \(settings) cannot be")
            )
            try write("tokenizer_config.json", #"{"chat_template": [{"template": "a"}]}"#)
            let nameless = #expect(throws: TokenizerError.self) { try Tokenizer(directory: directory) }
            #expect("\(nameless.map { "\($0)" } ?? "")".contains("chat_template[0]: \"name\" is missing"))
            // Files stand for all that settings say.
            try write("tokenizer_config.json", #"{"chat_template": [{"name": "rag", "template": "a"}]}"#)
            try write("additional_chat_templates/tool_use.jinja", "c")
            try write("additional_chat_templates/README.md", "none")
            #expect(try names() == ["tool_use c"])
            try write("chat_template.jinja", "d")
            #expect(try names() == ["default d", "tool_use c"])
            let files = try Tokenizer(directory: directory)
            #expect(try files.chatTemplate()?.name == "of \(directory.path)/chat_template.jinja")
            #expect(files.files.contains { $0.path.hasSuffix("/additional_chat_templates/tool_use.jinja") })
        }
    }

    @Test("A directory names its special tokens, end ids, template and files; a told end token takes their place")
    func directory() throws {
        try TestSupport.withTemporaryDirectory { directory in
            func write(_ name: String, _ text: String) throws {
                try Data(text.utf8).write(to: directory.appending(path: name))
            }
            #expect(throws: TokenizerError.self) { try Tokenizer(directory: directory) }
            try write("tokenizer.json", good)
            try write("special_tokens_map.json", #"{"eos_token": "a"}"#)
            try write(
                "tokenizer_config.json",
                #"{"bos_token": "<s>", "eos_token": "b", "pad_token": {"content": "<pad>"}, "added_tokens_decoder": {"4": {"content": "<pad>", "special": true}}}"#
            )
            try write("generation_config.json", #"{"eos_token_id": [1, 2]}"#)
            try write("chat_template.jinja", "{{ x }}")
            let tokenizer = try Tokenizer(directory: directory)
            #expect(tokenizer.specialTokens.bos == .init(text: "<s>", id: 3))
            #expect(tokenizer.specialTokens.eos == .init(text: "b", id: 1))
            #expect(tokenizer.specialTokens.pad == .init(text: "<pad>", id: 4))
            #expect(tokenizer.specialTokens.unknown == nil && tokenizer.endIDs == [1, 2])
            #expect(tokenizer.chatTemplateText == "{{ x }}" && tokenizer.vocabularySize == 5)
            #expect(
                Set(tokenizer.files.map(\.lastPathComponent)) == [
                    "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "chat_template.jinja",
                ])
            // Named as special by the config: found in text before the model sees it, and skipped.
            #expect(tokenizer.encode("ab", addSpecialTokens: false) == [0, 1])
            #expect(tokenizer.decode([0, 1, 4], skipSpecialTokens: true) == "a")
            #expect(try tokenizer.chatTemplate()?.jinja == "{{ x }}")

            let told = try Tokenizer(directory: directory, endToken: "ab")
            #expect(told.specialTokens.eos == .init(text: "ab", id: 2) && told.endIDs == [2] && told.isSpecial(2))
            #expect(throws: TokenizerError.unknownToken(file: directory.path + "/tokenizer.json", text: "</s>")) {
                try Tokenizer(directory: directory, endToken: "</s>")
            }
            try write("tokenizer_config.json", #"{"fast_tokenizer_files": ["tokenizer.4.0.json", "tokenizer.json"]}"#)
            let error = #expect(throws: TokenizerError.self) { try Tokenizer(directory: directory) }
            #expect(error?.description.contains("fast_tokenizer_files[0]") == true)
        }
    }

    @Test("What the quick check of NFC lets pass is left as it is by NFC, beside any neighbour")
    func inertUnderNFC() {
        for range in Normalizer.Form.inertUnderNFC {
            for scalar in range.compactMap(Unicode.Scalar.init) {
                let text = String(scalar)
                #expect(Array(Normalizer.Form.nfc.apply(to: Array(text.utf8))) == Array(text.utf8))
                #expect(scalar.properties.canonicalCombiningClass == .notReordered)
                #expect(Array(text.precomposedStringWithCanonicalMapping.utf8) == Array(text.utf8))
            }
        }
    }

    @Test("Many threads share one tokenizer")
    func concurrency() async throws {
        let tokenizer = try TokenizerFixtures.tokenizer("qwen2")
        let texts = try TokenizerFixtures.texts()
        let expected = texts.map { tokenizer.encode($0, addSpecialTokens: false) }
        await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<8 {
                group.addTask { texts.map { tokenizer.encode($0, addSpecialTokens: false) } == expected }
            }
            for await same in group { #expect(same) }
        }
    }
}

import Foundation
import TestSupport
import Testing
import Tokenizers

@Suite("Token ids equal the tokenizers library's")
struct ReferenceIDTests {
    @Test("on nasty and random strings, for small tokenizers of every kind", arguments: TokenizerFixtures.names)
    func synthetic(name: String) throws {
        let rows = try TokenizerFixtures.decode([ExpectedRow].self, from: "\(name).expected.json")
        try compare(try TokenizerFixtures.tokenizer(name), rows)
    }

    @Test(
        "on nasty and random strings, for real tokenizers",
        .enabled(if: !TokenizerFixtures.real.isEmpty, "no shared tokenizers here (MPO_SHARED, MPO_SMOLLM2)"),
        arguments: TokenizerFixtures.real.keys.sorted())
    func real(name: String) throws {
        let directory = try #require(TokenizerFixtures.real[name])
        let expectation = try TokenizerFixtures.decode(RealExpectation.self, from: "real-\(name).expected.json")
        try compare(try Tokenizer(file: directory.appending(path: "tokenizer.json")), expectation.rows)
    }

    @Test(
        "on all texts of the preference data, for real tokenizers",
        .enabled(if: TestSupport.shared != nil, "no shared data here (MPO_SHARED)"),
        arguments: TokenizerFixtures.real.keys.sorted())
    func data(name: String) throws {
        let directory = try #require(TokenizerFixtures.real[name])
        let expectation = try TokenizerFixtures.decode(RealExpectation.self, from: "real-\(name).expected.json")
        let tokenizer = try Tokenizer(file: directory.appending(path: "tokenizer.json"))
        #expect(!expectation.data.isEmpty)
        for (file, expected) in expectation.data {
            var hash = FNV1a()
            var count = 0
            for text in try TokenizerFixtures.dataStrings(file) {
                let ids = tokenizer.encode(text, addSpecialTokens: false)
                for id in ids { hash.add(id) }
                count += ids.count
            }
            #expect(RealExpectation.Stream(count: count, fnv1a: hash.text) == expected, "\(file)")
        }
    }

    private func compare(_ tokenizer: Tokenizer, _ rows: [ExpectedRow]) throws {
        let texts = try TokenizerFixtures.texts()
        #expect(!rows.isEmpty && rows.count <= texts.count)
        for (text, row) in zip(texts, rows) {
            let shown = Comment(rawValue: text.debugDescription)
            #expect(tokenizer.encode(text, addSpecialTokens: false) == row.ids, shown)
            if let special = row.special { #expect(tokenizer.encode(text, addSpecialTokens: true) == special, shown) }
            // Compared as bytes: String's == would let a change of composition pass.
            let decoded = row.decoded ?? text
            let skipped = row.skipped ?? decoded
            #expect(Array(tokenizer.decode(row.ids, skipSpecialTokens: false).utf8) == Array(decoded.utf8), shown)
            #expect(Array(tokenizer.decode(row.ids, skipSpecialTokens: true).utf8) == Array(skipped.utf8), shown)
        }
    }
}

import Foundation
import TestSupport
import Testing
import Tokenizers

/// One model behind many pre-tokenizers; see `make_pre_tokenizer_fixtures.py`.
@Suite("Pre-tokenizers take text apart as the tokenizers library does")
struct PreTokenizerTests {
    private struct Fixture {
        let block: Int
        let texts: [String]
        let model: Any
        let cases: [[String: Any]]

        init(_ data: Data) throws {
            let document = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
            block = try #require(document["block"] as? Int)
            texts = try #require(document["texts"] as? [String])
            model = try #require(document["model"])
            cases = try #require(document["cases"] as? [[String: Any]])
        }
    }

    @Test func `texts at random have the ids of the library`() throws {
        try compare(Fixture(Data(contentsOf: TokenizerFixtures.directory.appending(path: "pre-tokenizers.json"))))
    }

    @Test(.enabled(if: TestSupport.runsLongTests && TestSupport.transformersPython != nil))
    func `ten thousand other texts at random have them`() throws {
        let python = try #require(TestSupport.transformersPython)
        let script = TokenizerFixtures.directory.appending(path: "make_pre_tokenizer_fixtures.py").path
        let job = try Job(python, [script, "10000", "\(UInt32.random(in: 3...9999))"], timeLimit: 3600).run()
        #expect(job.status == 0, "\(job.errors)")
        try compare(Fixture(Data(job.output.utf8)))
    }

    private func compare(_ fixture: Fixture) throws {
        #expect(fixture.cases.count > 40)
        for item in fixture.cases {
            let name = try #require(item["name"] as? String)
            let tokenizer = try tokenizer(fixture.model, try #require(item["pre_tokenizer"]))
            let expected = try #require(item["hashes"] as? [String])
            #expect(expected.count == (fixture.texts.count + fixture.block - 1) / fixture.block)
            for (index, expected) in expected.enumerated() {
                let texts = fixture.texts.dropFirst(index * fixture.block).prefix(fixture.block)
                var hash = FNV1a()
                for text in texts {
                    for id in tokenizer.encode(text, addSpecialTokens: false) { hash.add(id) }
                }
                #expect(hash.text == expected, "\(name), texts from \(texts.first?.debugDescription ?? "")")
            }
        }
    }

    private func tokenizer(_ model: Any, _ preTokenizer: Any) throws -> Tokenizer {
        try TestSupport.withTemporaryDirectory { directory in
            let file = directory.appending(path: "tokenizer.json")
            let document = ["model": model, "pre_tokenizer": preTokenizer]
            try JSONSerialization.data(withJSONObject: document).write(to: file)
            return try Tokenizer(file: file)
        }
    }
}

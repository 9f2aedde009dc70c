import Foundation
import PreferenceData
import TestSupport
import Testing
import Tokenizers

@Suite("Token ids against TRL", .enabled(if: TestSupport.shared != nil, "needs the shared development data"))
struct TokenizerParityTests {
    private struct Expected: Decodable {
        var lengths: [[Int]]
        var fingerprint: String
    }

    @Test("Pairs have the ids that TRL's DPOTrainer gives them", arguments: ["gpt2", "gpt-neox"])
    func harmless(_ name: String) throws {
        let fixture = try Data(contentsOf: TestSupport.fixture("preference_data/trl_token_ids.json"))
        let expected = try #require(try JSONDecoder().decode([String: Expected].self, from: fixture)[name])
        let shared = try #require(TestSupport.shared)
        let tokenizer = try Tokenizer(file: shared.appending(path: "tokenizers/\(name)/tokenizer.json"))
        let pairs = try Dataset<PreferencePair>(reading: [shared.appending(path: "data/hh-harmless-eval.jsonl.gz")])
        let end = try #require(tokenizer.id(of: "<|endoftext|>"))
        let result = try ExampleTokenizer(encoder: tokenizer, endTokens: [end]).tokenize(pairs.records)
        #expect(result.examples.map { [$0.prompt.count, $0.chosen.count, $0.rejected.count] } == expected.lengths)
        #expect(result.summary.seamsMerged == 0)
        let hash = String(result.fingerprint, radix: 16)
        #expect(String(repeating: "0", count: 16 - hash.count) + hash == expected.fingerprint)
    }

    @Test(
        "A model's own template frames transcripts, and its end token ends every response",
        .enabled(if: TestSupport.smolLM2 != nil, "needs SmolLM2-135M-Instruct"))
    func template() throws {
        let shared = try #require(TestSupport.shared)
        let tokenizer = try Tokenizer(directory: try #require(TestSupport.smolLM2))
        let pairs = try Dataset<PreferencePair>(
            reading: [shared.appending(path: "data/hh-harmless-eval.jsonl.gz")], limit: 20)
        let examples = try ExampleTokenizer(
            tokenizer: tokenizer, template: tokenizer.chatTemplate(), appliesTemplateToText: true
        ).tokenize(pairs.records)
        let eos = try #require(tokenizer.specialTokens.eos?.id)
        for (pair, example) in zip(pairs.records, examples.examples) {
            let prompt = tokenizer.decode(example.prompt, skipSpecialTokens: false)
            #expect(prompt.hasSuffix("<|im_end|>\n<|im_start|>assistant\n") && !prompt.contains("Human:"))
            for (ids, content) in [(example.chosen, pair.chosen), (example.rejected, pair.rejected)] {
                guard case .text(let text) = content else { continue }
                #expect(ids.last == eos && ids.count { $0 == eos } == 1)
                let said = text.drop { $0.isWhitespace }
                #expect(
                    tokenizer.decode(ids.dropLast(), skipSpecialTokens: false)
                        == said.trimmingCharacters(in: .whitespacesAndNewlines))
            }
        }
        #expect(examples.summary.seamsMerged == 0)
    }
}

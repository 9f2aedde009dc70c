import Commands
import Foundation
import Runs
import Testing
import Training

@Suite struct SyntheticModelTests {
    private struct TokenizerFile: Decodable {
        struct Added: Decodable {
            let id: Int
            let content: String
            let special: Bool
        }
        struct Model: Decodable {
            let type: String
            let ignoreMerges: Bool
            let vocab: [String: Int]
            let merges: [String]
            enum CodingKeys: String, CodingKey {
                case type, vocab, merges
                case ignoreMerges = "ignore_merges"
            }
        }
        let addedTokens: [Added]
        let model: Model
        enum CodingKeys: String, CodingKey {
            case model
            case addedTokens = "added_tokens"
        }
    }

    private struct ConfigFile: Decodable {
        let vocabSize: Int
        let eosTokenID: Int
        let padTokenID: Int
        enum CodingKeys: String, CodingKey {
            case vocabSize = "vocab_size"
            case eosTokenID = "eos_token_id"
            case padTokenID = "pad_token_id"
        }
    }

    private let model = SyntheticModel()

    private func tokenizer() throws -> TokenizerFile {
        try JSONDecoder().decode(TokenizerFile.self, from: Data(model.tokenizer.utf8))
    }

    @Test("ids are dense, agree with config.json, and name the special tokens")
    func structure() throws {
        let file = try tokenizer()
        let config = try JSONDecoder().decode(ConfigFile.self, from: Data(model.configuration.utf8))
        #expect(Set(file.model.vocab.values) == Set(0..<config.vocabSize))
        #expect(file.model.vocab.count == config.vocabSize)
        #expect(file.model.type == "BPE" && file.model.ignoreMerges && file.model.merges.isEmpty)
        #expect(file.addedTokens.map(\.content) == [SyntheticModel.endOfText, SyntheticModel.padding])
        #expect(file.addedTokens.map(\.id) == [config.eosTokenID, config.padTokenID])
        for added in file.addedTokens { #expect(added.special && file.model.vocab[added.content] == added.id) }
    }

    @Test("bytes are spelled as byte-level tokenizers spell them")
    func bytes() {
        // From the published byte-to-letter table: space, newline, delete, soft hyphen, and bytes that stand for themselves.
        for (byte, letter) in [
            (0x20, "Ġ"), (0x0A, "Ċ"), (0x7F, "ġ"), (0xAD, "Ń"), (0x00, "Ā"), (0x21, "!"), (0xFF, "ÿ"),
        ] {
            #expect(model.tokens[2 + byte] == letter)
        }
        #expect(Set(model.tokens).count == model.tokens.count)
    }

    @Test("each word of prompts and answers is one token")
    func words() throws {
        let vocabulary = try tokenizer().model.vocab
        var sizes = SyntheticTask.Sizes()
        sizes.pairs = 500
        let texts =
            try SyntheticTask(seed: 2, sizes: sizes).pairs().flatMap { [$0.prompt, $0.chosen, $0.rejected] } + [" no."]
        // The byte-level pre-tokenizer cuts before a space that leads a word; marks and newlines stand alone here.
        let pieces = Set(texts.flatMap { $0.matches(of: /[ ]?[A-Za-z]+|[^A-Za-z ]/).map { String($0.output) } })
        #expect(pieces.count == SyntheticModel.words.count + 5)
        for piece in pieces {
            let spelled = piece.replacing(" ", with: "Ġ").replacing("\n", with: "Ċ")
            #expect(vocabulary[spelled] != nil, "\(piece.debugDescription)")
        }
    }
}

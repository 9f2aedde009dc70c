import Foundation
import Runs
import Training

/// The small decoder of the synthetic task as a Hugging Face directory without weights.
///
/// The tokenizer is byte-level, so it can encode any text; every word of the task is one token.
package struct SyntheticModel: Sendable {
    /// The end of a response, and the pad id that transformers asks for.
    package static let endOfText = "<|endoftext|>"
    /// Used in no input: it tells transformers where a row ends.
    package static let padding = "<|pad|>"

    /// The tokens of the task's own words, as text; a leading space is part of the token.
    package static let words: [String] =
        ["Guest", "Waiter"]
        + (Menu.items + Menu.greetings + Menu.rudeWords + Menu.fillers + [Menu.refusal, Menu.closing]).map { " " + $0 }

    /// All tokens in the order of their ids, in the byte-level alphabet's spelling.
    package let tokens: [String]

    /// The model of the quickstart.
    package init() {
        let bytes = (UInt8.min...UInt8.max).map { String(Self.letter(for: $0)) }
        let words = Self.words.map { String($0.utf8.map(Self.letter)) }
        tokens = [Self.endOfText, Self.padding] + bytes + words
    }

    /// `config.json`.
    package var configuration: String {
        """
        {
          "architectures": ["LlamaForCausalLM"],
          "model_type": "llama",
          "vocab_size": \(tokens.count),
          "hidden_size": 64,
          "intermediate_size": 192,
          "num_hidden_layers": 2,
          "num_attention_heads": 4,
          "num_key_value_heads": 4,
          "head_dim": 16,
          "hidden_act": "silu",
          "max_position_embeddings": 128,
          "initializer_range": 0.08,
          "rms_norm_eps": 1e-05,
          "rope_theta": 10000.0,
          "attention_bias": false,
          "attention_dropout": 0.0,
          "mlp_bias": false,
          "tie_word_embeddings": false,
          "bos_token_id": null,
          "eos_token_id": 0,
          "pad_token_id": 1,
          "torch_dtype": "float32"
        }

        """
    }

    /// `tokenizer_config.json`.
    package var tokenizerConfiguration: String {
        """
        {
          "tokenizer_class": "PreTrainedTokenizerFast",
          "bos_token": null,
          "eos_token": "\(Self.endOfText)",
          "pad_token": "\(Self.padding)",
          "add_bos_token": false,
          "clean_up_tokenization_spaces": false,
          "model_max_length": 128
        }

        """
    }

    /// `tokenizer.json`: words are found whole (`ignore_merges`); any other text falls into bytes.
    package var tokenizer: String {
        let entries = tokens.enumerated().map { "      \(Self.quoted($1)): \($0)" }.joined(separator: ",\n")
        return """
            {
              "version": "1.0",
              "truncation": null,
              "padding": null,
              "added_tokens": [
                \(Self.special(Self.endOfText, id: 0)),
                \(Self.special(Self.padding, id: 1))
              ],
              "normalizer": null,
              "pre_tokenizer": {
                "type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true
              },
              "post_processor": null,
              "decoder": {
                "type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true, "use_regex": true
              },
              "model": {
                "type": "BPE",
                "dropout": null,
                "unk_token": null,
                "continuing_subword_prefix": null,
                "end_of_word_suffix": null,
                "fuse_unk": false,
                "byte_fallback": false,
                "ignore_merges": true,
                "vocab": {
            \(entries)
                },
                "merges": []
              }
            }

            """
    }

    private static func special(_ token: String, id: Int) -> String {
        """
        {"id": \(id), "content": "\(token)", "single_word": false, "lstrip": false, "rstrip": false, \
        "normalized": false, "special": true}
        """
    }

    private static func quoted(_ token: String) -> String {
        "\"" + token.map { $0 == "\"" || $0 == "\\" ? "\\\($0)" : String($0) }.joined() + "\""
    }

    /// The printable letter that stands for a byte in byte-level tokenizers: itself where it is printable, else one of
    /// the letters from U+0100 on, in the order of the bytes.
    private static func letter(for byte: UInt8) -> Character {
        if isPrintable(byte) { return Character(Unicode.Scalar(byte)) }
        let rank = (0..<byte).count { !isPrintable($0) }
        return Unicode.Scalar(0x100 + UInt32(rank)).map(Character.init) ?? "?"
    }

    private static func isPrintable(_ byte: UInt8) -> Bool {
        (0x21...0x7E).contains(byte) || (0xA1...0xAC).contains(byte) || (0xAE...0xFF).contains(byte)
    }
}

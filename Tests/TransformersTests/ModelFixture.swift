import Foundation
import TestSupport
import Torch
import Transformers

/// A tiny checkpoint with what transformers computes from it; made by `Tests/Fixtures/make_models.py`.
struct ModelFixture {
    static let causal = [
        "llama", "llama-tied", "llama-rope3", "mistral", "gpt_neox", "gpt_neox-sequential", "gpt2", "qwen2", "qwen3",
        "gemma", "gemma2", "gemma3", "granite", "mistral-window", "olmo2", "olmo3", "phi3", "smollm3", "mixtral",
        "qwen3_moe", "gpt_oss",
    ]
    /// Models whose positions change with the length of a sequence, once it is longer than 16 tokens.
    static let stretched = ["phi3-long", "llama-dynamic"]
    static let reward = ["reward-llama", "reward-gpt_neox", "reward-gpt2", "reward-gemma2", "reward-gpt_oss"]

    struct Expected: Decodable {
        struct Case: Decodable {
            let tokens: [Int32]
            var score: Float?
        }
        struct Greedy: Decodable {
            let prompt: [Int32]
            let continuation: [Int32]
        }
        let cases: [Case]
        var greedy: Greedy?
        var parameters: Int?
    }

    let url: URL
    let expected: Expected

    init(_ name: String) throws {
        url = TestSupport.fixture("models/\(name)")
        expected = try JSONDecoder().decode(
            Expected.self, from: Data(contentsOf: url.appending(path: "expected.json")))
    }

    func decoder(_ head: DecoderHead = .languageModel, trainable: Bool = false) throws -> DecoderModel {
        try ModelDirectory(url).decoder(head: head, trainable: trainable)
    }

    /// The norm of each parameter's gradient: of the sum of the log-probabilities of all tokens, or of the sum of all scores.
    func gradientNorms() throws -> [String: Double] {
        struct Gradients: Decodable { let norms: [String: Double] }
        let data = try Data(contentsOf: url.appending(path: "gradients.json"))
        return try JSONDecoder().decode(Gradients.self, from: data).norms
    }

    /// The logits of each case, `[tokens, vocabulary]`.
    func logits() throws -> [Tensor] {
        let file = try SafetensorsFile(url.appending(path: "expected.safetensors"))
        return try expected.cases.indices.map { try file.tensor("logits.\($0)") }
    }
}

/// The largest absolute difference of two tensors of one shape.
func largestDifference(_ left: Tensor, _ right: Tensor) -> Double {
    precondition(left.shape == right.shape, "\(left.shape) against \(right.shape)")
    return zip(left.doubles(), right.doubles()).map { abs($0 - $1) }.reduce(0) { $1 > $0 || $1.isNaN ? $1 : $0 }
}

/// What an error says; `nil` where there is none.
func message(_ body: () throws -> Void) -> String? {
    do { try body() } catch { return "\(error)" }
    return nil
}

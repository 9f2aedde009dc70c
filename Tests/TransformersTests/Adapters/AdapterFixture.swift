import Foundation
import TestSupport
import Torch
import Transformers

/// An adapter of PEFT's on one of the small models, with what PEFT computes of it; made by `Tests/Fixtures/make_adapters.py`.
struct AdapterFixture {
    static let causal = [
        "llama-plain", "llama-rslora", "llama-dora", "llama-patterns", "llama-regex", "llama-excluded",
        "llama-excluded-regex", "llama-layers", "llama-saved", "llama-parameters", "gpt2-plain", "gpt2-dora",
        "gpt2-saved", "qwen3-plain", "qwen3-patterns", "gemma2-plain", "gemma2-dora", "gpt_neox-plain", "phi3-plain",
        "qwen2-plain",
    ]
    static let experts = [
        "mixtral-plain", "mixtral-names", "mixtral-down", "mixtral-separate", "qwen3_moe-plain",
        "qwen3_moe-parameters", "qwen3_moe-separate", "gpt_oss-plain", "gpt_oss-parameters",
    ]
    static let reward = ["reward-llama-plain", "reward-gpt2-plain", "reward-qwen3-dora"]
    static let withGradients = [
        "llama-plain", "llama-dora", "llama-saved", "gpt2-plain", "qwen3-plain", "gemma2-plain", "mixtral-plain",
        "qwen3_moe-plain", "gpt_oss-parameters", "reward-llama-plain",
    ]

    private struct Expected: Decodable {
        struct Case: Decodable {
            let tokens: [Int32]
            var score: Double?
        }
        let cases: [Case]
        var norms: [String: Double]?
    }

    let name: String
    let directory: ModelDirectory
    private let expected: Expected

    init(_ name: String) throws {
        self.name = name
        directory = try ModelDirectory(Self.url(name))
        expected = try JSONDecoder().decode(
            Expected.self, from: Data(contentsOf: directory.url.appending(path: "expected.json")))
    }

    static func url(_ name: String) -> URL { TestSupport.fixture("adapters/\(name)") }

    var head: DecoderHead { name.hasPrefix("reward") ? .score : .languageModel }
    var rows: [[Int32]] { expected.cases.map(\.tokens) }
    /// The norm of each parameter's gradient: of the sum of the log-probabilities of all tokens, or of all scores.
    var norms: [String: Double] { expected.norms ?? [:] }

    /// The adapter beside its frozen base.
    func decoder(trainable: Bool = false, _ placement: Placement = .float32) throws -> DecoderModel {
        try directory.decoder(
            on: FrozenBase(directory.base, placement: placement), head: head, trainable: trainable)
    }

    /// What PEFT computes: logits of each row, `[tokens, vocabulary]`, or its score, `[1]`.
    func outputs() throws -> [Tensor] {
        guard head == .languageModel else { return expected.cases.map { Tensor([Float($0.score ?? .nan)]) } }
        let file = try SafetensorsFile(directory.url.appending(path: "expected.safetensors"))
        return try rows.indices.map { try file.tensor("logits.\($0)") }
    }
}

extension DecoderModel {
    /// The same of a decoder, each row by itself.
    func outputs(of rows: [[Int32]]) -> [Tensor] {
        rows.map { tokens in
            var packed = PackedRows()
            packed.append(tokens)
            return withoutGradients {
                head == .score
                    ? scores(packed, at: [Int32(tokens.count - 1)]) : logits(hiddenStates(packed)).placed(.float32)
            }
        }
    }

    /// The sum of the log-probabilities of all tokens of all rows but the first ones, or of all scores.
    func total(of rows: [[Int32]]) -> Tensor {
        var (packed, predictions, ends) = (PackedRows(), PredictedTokens(), [Int32]())
        for (index, tokens) in rows.enumerated() {
            let range = packed.append(tokens)
            ends.append(Int32(range.upperBound - 1))
            predictions.append(
                tokens.dropFirst(), in: range.dropFirst(), promptEnd: range.lowerBound, sequence: index)
        }
        return head == .score
            ? scores(packed, at: ends).sum() : tokenLogps(packed, predictions: predictions).logps.sum()
    }

    /// The group that training an adapter changes.
    var adapterGroup: ParameterGroup { parameters.trained[0] }
}

/// The largest difference of any of some tensors.
func largestDifference(_ left: [Tensor], _ right: [Tensor]) -> Double {
    precondition(left.count == right.count && !left.isEmpty, "\(left.count) tensors against \(right.count)")
    return zip(left, right).map { largestDifference($0, $1) }.max() ?? .nan
}

import Foundation
import TestSupport
import Testing
import Torch
import Transformers

/// A family that no one has heard of: Llama's parts under other names, norms behind attention and feed-forward network,
/// and layers that differ. The last layer does not rotate, has one key head, and a wider network.
private enum Toy: ModelFamily {
    static let modelType = "toy"
    static let architectures = ModelArchitectures(prefix: "Toy", languageModel: "Speaker")

    static func specification(_ reader: ModelFileReader) throws(ModelError) -> DecoderSpecification {
        let (width, heads) = (try reader.integer("dim"), try reader.integer("query_heads"))
        guard width % heads == 0 else { throw reader.notDividing("query_heads", heads, width) }
        let (count, channels) = (try reader.integer("depth", in: 1...64), width / heads)
        let norm = DecoderSpecification.Norm(kind: .rootMeanSquare, epsilon: 1e-5)
        var layers: [LayerSpecification] = []
        for index in 0..<count {
            let isLast = index == count - 1
            layers.append(
                LayerSpecification(
                    attention: .init(
                        heads: heads, keyValueHeads: isLast ? 1 : heads / 2, channels: channels, projection: .separate,
                        rotary: isLast ? nil : try RotaryEmbedding(reader, channels: channels)),
                    feedForward: .init(width: isLast ? 3 * width : 2 * width, isGated: true, activation: .silu),
                    norm: norm, normPlacement: .after))
        }
        return DecoderSpecification(
            vocabularySize: try reader.vocabularySize(), width: width, layers: layers, maximumPositions: 64,
            finalNorm: norm, tiesEmbeddings: false,
            names: ParameterNames(
                base: "toy.", embedding: "words.weight", layers: "blocks", finalNorm: "last_norm", head: "speak.weight",
                attentionPostNorm: "attn_norm", feedForwardPostNorm: "ffn_norm", query: "wq", key: "wk", value: "wv",
                attentionOutput: "wo", gate: "w1", up: "w3", down: "w2"))
    }
}

@Suite("A family that only a test knows")
struct ToyFamilyTests {
    private let families = ModelFamilies.standard.adding(Toy.self)
    private static let vocabulary = 40
    private static let known = ModelFamilies.standard.modelTypes.joined(separator: ", ")
    private static let prompt: [Int32] = [3, 17, 29, 5, 11, 36, 8]

    @Test("It loads from a directory, and computes what plain loops over numbers compute")
    func computes() throws {
        try withDirectory { directory, weights in
            let model = try ModelDirectory(directory, families: families).decoder(
                head: .languageModel, trainable: false)
            var rows = PackedRows()
            let other = rows.append([9, 1])
            let range = rows.append(Self.prompt)
            let logits = withoutGradients { model.logits(model.hiddenStates(rows)) }
            let plain = PlainToy(weights: weights)
            for (range, tokens) in [(other, [9, 1]), (range, Self.prompt)] {
                let expected = Tensor(plain.logits(tokens).flatMap(\.self), shape: [tokens.count, Self.vocabulary])
                #expect(largestDifference(logits.narrowed(0, range), expected) < 1e-4)
                #expect(expected.norm() > 1)
            }
        }
    }

    @Test("What it draws with a cache is what whole passes over plain numbers make most likely")
    func generates() throws {
        try withDirectory { directory, weights in
            let model = try ModelDirectory(directory, families: families).decoder(
                head: .languageModel, trainable: false)
            let request = GenerationRequest(prompt: Self.prompt, stream: 1, maxNewTokens: 12)
            let completion = try Generator(model, slots: 16).generate(
                [request], options: .init(sampling: TokenSampling(temperature: 0), eosTokenIDs: []))[0]
            let plain = PlainToy(weights: weights)
            var tokens = Self.prompt
            for (token, logp) in zip(completion.tokens, completion.logps) {
                let logits = try #require(plain.logits(tokens).last)
                let likeliest = try #require(logits.indices.max { logits[$0] < logits[$1] })
                #expect(Int(token) == likeliest)
                let sum = logits.map { exp($0 - logits[likeliest]) }.reduce(0, +)
                // A greedy draw is judged by the softmax at temperature one.
                #expect(abs(Double(logp) + log(sum)) < 1e-4)
                tokens.append(token)
            }
            #expect(completion.tokens.count == 12 && Set(completion.tokens).count > 2)
        }
    }

    @Test("Gradients reach every parameter of its unequal layers, with activations kept or computed anew")
    func gradients() throws {
        try withDirectory { directory, _ in
            let gradients = try [false, true].map { recomputes in
                let model = try ModelDirectory(directory, families: families).decoder(
                    head: .languageModel, trainable: true)
                model.recomputesActivations = recomputes
                var (rows, predictions) = (PackedRows(), PredictedTokens())
                let range = rows.append(Self.prompt)
                predictions.append(Self.prompt.dropFirst(), in: range.dropFirst(), promptEnd: 0, sequence: 0)
                model.tokenLogps(rows, predictions: predictions).logps.sum().backward()
                let flat = try #require(model.parameters.groups[0].gradients)
                for entry in model.parameters.groups[0].entries {
                    #expect(flat.narrowed(0, entry.range).norm() > 0, "\(entry.declaration.name)")
                }
                return flat.floats()
            }
            #expect(gradients[0] == gradients[1])
        }
    }

    @Test("It is saved under its own names and classes, and loads again; the score head is one of its own")
    func saves() throws {
        try withDirectory { directory, weights in
            let source = try ModelDirectory(directory, families: families)
            let policy = try source.decoder(head: .languageModel, trainable: false)
            let reward = try source.decoder(head: .score, trainable: false, scoreSeed: 3)
            for model in [policy, reward] {
                try TestSupport.withTemporaryDirectory { copy in
                    try model.save(to: copy, padTokenID: 0)
                    let again = try ModelDirectory(copy, families: families)
                    #expect(again.configuration.hasScoreHead == (model.head == .score))
                    let loaded = try again.decoder(head: model.head, trainable: false)
                    #expect(loaded.parameters.groups[0].values.floats() == model.parameters.groups[0].values.floats())
                    let file = try SafetensorsFile(copy.appending(path: "model.safetensors"))
                    let names = Set(weights.keys).subtracting(model.head == .score ? ["speak.weight"] : [])
                    #expect(Set(file.entries.keys).subtracting(["score.weight"]) == names)
                    let text = try String(contentsOf: copy.appending(path: "config.json"), encoding: .utf8)
                    #expect(text.contains(model.head == .score ? "ToyForSequenceClassification" : "ToySpeaker"))
                    #expect(text.contains("\"query_heads\": 4"))
                }
            }
        }
    }

    @Test("Only a registry that holds it knows it, and a refusal lists what the registry holds")
    func registry() throws {
        try withDirectory { directory, _ in
            let refusal = message { _ = try ModelDirectory(directory) }
            #expect(refusal?.hasSuffix("supported are \(Self.known)") == true)
            try Data(#"{"model_type": "bert"}"#.utf8).write(to: directory.appending(path: "config.json"))
            let other = message { _ = try ModelDirectory(directory, families: families) }
            #expect(other?.hasSuffix("supported are \(Self.known), toy") == true)
        }
        #expect(ModelFamilies.standard["toy"] == nil && families["toy"] != nil && families["llama"] != nil)
    }

    /// Hands over a directory of the family with weights drawn at random, and the weights.
    private func withDirectory(_ body: (URL, [String: Tensor]) throws -> Void) throws {
        let (width, count) = (PlainToy.width, Self.vocabulary)
        var shapes = [
            "toy.words.weight": [count, width], "speak.weight": [count, width], "toy.last_norm.weight": [width],
        ]
        for (index, (keys, inner)) in [(16, 64), (8, 96)].enumerated() {
            let layer = [
                "attn_norm": [width], "ffn_norm": [width], "wq": [width, width], "wk": [keys, width],
                "wv": [keys, width],
                "wo": [width, width], "w1": [inner, width], "w3": [inner, width], "w2": [width, inner],
            ]
            for (name, shape) in layer { shapes["toy.blocks.\(index).\(name).weight"] = shape }
        }
        var weights: [String: Tensor] = [:]
        for (index, (name, shape)) in shapes.sorted(by: { $0.key < $1.key }).enumerated() {
            let tensor = Tensor.zeros(shape)
            let mean: Double = shape.count == 1 ? 1 : 0
            tensor.fillNormal(mean: mean, deviation: 0.3, seed: UInt64(index))
            weights[name] = tensor
        }
        try TestSupport.withTemporaryDirectory { directory in
            let keys = #""dim": 32, "depth": 2, "query_heads": 4, "rope_theta": 500.0, "vocab_size": \#(count)"#
            try Data("{\"model_type\": \"toy\", \(keys)}".utf8).write(to: directory.appending(path: "config.json"))
            let tensors = weights.sorted { $0.key < $1.key }.map { (name: $0.key, tensor: $0.value) }
            try SafetensorsWriter.write(tensors, to: directory.appending(path: "model.safetensors"))
            try body(directory, weights)
        }
    }
}

/// The toy model in plain loops over float64.
private struct PlainToy {
    static let width = 32
    private let numbers: [String: [Double]]
    private let channels = 8

    init(weights: [String: Tensor]) { numbers = weights.mapValues { $0.doubles() } }

    /// Logits of each position, `[tokens][vocabulary]`.
    func logits(_ tokens: [Int32]) -> [[Double]] {
        let table = weight("toy.words")
        var stream = tokens.map { Array(table[Int($0) * Self.width..<(Int($0) + 1) * Self.width]) }
        for layer in 0..<2 {
            let attended = attention(stream, layer)
            for row in stream.indices {
                stream[row] = zip(stream[row], norm(attended[row], "toy.blocks.\(layer).attn_norm")).map(+)
            }
            for row in stream.indices {
                let gate = product(stream[row], "toy.blocks.\(layer).w1").map { $0 / (1 + exp(-$0)) }
                let inner = zip(gate, product(stream[row], "toy.blocks.\(layer).w3")).map(*)
                let fed = product(inner, "toy.blocks.\(layer).w2")
                stream[row] = zip(stream[row], norm(fed, "toy.blocks.\(layer).ffn_norm")).map(+)
            }
        }
        return stream.map { product(norm($0, "toy.last_norm"), "speak") }
    }

    private func attention(_ stream: [[Double]], _ layer: Int) -> [[Double]] {
        let project = { (name: String) in
            stream.map { product($0, "toy.blocks.\(layer).\(name)") }
        }
        var (queries, keys, values) = (project("wq"), project("wk"), project("wv"))
        if layer == 0 {
            for row in stream.indices {
                queries[row] = rotated(queries[row], row)
                keys[row] = rotated(keys[row], row)
            }
        }
        let heads = Self.width / channels
        let group = heads / (keys[0].count / channels)
        return stream.indices.map { row in
            var all: [Double] = []
            for head in 0..<heads {
                let query = queries[row][head * channels..<(head + 1) * channels]
                let part = head / group * channels..<(head / group + 1) * channels
                let scores = (0...row).map {
                    zip(query, keys[$0][part]).map(*).reduce(0, +) / Double(channels).squareRoot()
                }
                let weights = scores.map { exp($0 - (scores.max() ?? 0)) }
                let sum = weights.reduce(0, +)
                all += part.map { channel in (0...row).map { weights[$0] / sum * values[$0][channel] }.reduce(0, +) }
            }
            return product(all, "toy.blocks.\(layer).wo")
        }
    }

    /// Each head's channels `i` and `i + half` turned by the position times `500^(-i / half)`.
    private func rotated(_ row: [Double], _ position: Int) -> [Double] {
        var result = row
        let half = channels / 2
        for start in stride(from: 0, to: row.count, by: channels) {
            for pair in 0..<half {
                let angle = Double(position) * pow(500, -Double(pair) / Double(half))
                let (first, second) = (row[start + pair], row[start + half + pair])
                result[start + pair] = first * cos(angle) - second * sin(angle)
                result[start + half + pair] = second * cos(angle) + first * sin(angle)
            }
        }
        return result
    }

    private func norm(_ row: [Double], _ name: String) -> [Double] {
        let square = row.map { $0 * $0 }.reduce(0, +) / Double(row.count)
        return zip(row, weight(name)).map { $0 / (square + 1e-5).squareRoot() * $1 }
    }

    private func product(_ row: [Double], _ name: String) -> [Double] {
        let matrix = weight(name)
        return stride(from: 0, to: matrix.count, by: row.count).map { start in
            zip(row, matrix[start..<start + row.count]).map(*).reduce(0, +)
        }
    }

    private func weight(_ name: String) -> [Double] { numbers["\(name).weight"] ?? [] }
}

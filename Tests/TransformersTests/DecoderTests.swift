import Foundation
import TestSupport
import Testing
import Torch
import Transformers

@Suite("Decoder")
struct DecoderTests {
    @Test(
        "Logits of sequences packed together equal those of transformers, one sequence at a time",
        arguments: ModelFixture.causal + ModelFixture.stretched)
    func packedLogits(name: String) throws {
        let fixture = try ModelFixture(name)
        let decoder = try fixture.decoder()
        #expect(decoder.parameters.parameterCount == fixture.expected.parameters)
        for order in [
            Array(fixture.expected.cases.indices), fixture.expected.cases.indices.reversed(), [2], [3, 0, 3],
        ] {
            var rows = PackedRows()
            let ranges = order.map { rows.append(fixture.expected.cases[$0].tokens) }
            let logits = withoutGradients { decoder.logits(decoder.hiddenStates(rows)) }
            let expected = try fixture.logits()
            for (index, range) in zip(order, ranges) {
                #expect(largestDifference(logits.narrowed(0, range), expected[index]) < 1e-4)
            }
        }
    }

    @Test("Two responses that share a prompt have the logits of two whole sequences", arguments: ModelFixture.causal)
    func sharedPrompt(name: String) throws {
        let fixture = try ModelFixture(name)
        let decoder = try fixture.decoder()
        let (whole, other) = (fixture.expected.cases[3].tokens, fixture.expected.cases[2].tokens)
        let prompt = whole.prefix(11)
        var rows = PackedRows()
        rows.append(other)
        let shared = rows.append(prompt)
        let first = rows.append(other.dropFirst(), after: shared)
        let second = rows.append(whole.dropFirst(11), after: shared)
        var alone = PackedRows()
        alone.append(prompt + other.dropFirst())
        let logits = withoutGradients { decoder.logits(decoder.hiddenStates(rows)) }
        let expected = try fixture.logits()[3]
        #expect(largestDifference(logits.narrowed(0, shared), expected.narrowed(0, 0..<11)) < 1e-4)
        #expect(largestDifference(logits.narrowed(0, second), expected.narrowed(0, 11..<whole.count)) < 1e-4)
        let single = withoutGradients { decoder.logits(decoder.hiddenStates(alone)) }
        // Sums in another order, in each layer.
        let rounding = 5e-6 * Double(decoder.specification.layers.count)
        #expect(largestDifference(logits.narrowed(0, first), single.narrowed(0, 11..<alone.count)) < rounding)
    }

    @Test("Responses that share a prompt have the positions of the longest", arguments: ModelFixture.stretched)
    func sharedPromptOfStretched(name: String) throws {
        let fixture = try ModelFixture(name)
        let decoder = try fixture.decoder()
        let whole = fixture.expected.cases[3].tokens
        var (shared, alone) = (PackedRows(), PackedRows())
        shared.append(whole.prefix(5))
        let prompt = shared.append(whole.prefix(11))
        let short = shared.append([5, 6], after: prompt)
        let long = shared.append(whole.dropFirst(11), after: prompt)
        alone.append(whole.prefix(11) + [5, 6])
        let logits = withoutGradients { decoder.logits(decoder.hiddenStates(shared)) }
        let expected = try fixture.logits()[3]
        #expect(largestDifference(logits.narrowed(0, prompt), expected.narrowed(0, 0..<11)) < 1e-4)
        #expect(largestDifference(logits.narrowed(0, long), expected.narrowed(0, 11..<whole.count)) < 1e-4)
        let single = withoutGradients { decoder.logits(decoder.hiddenStates(alone)) }
        #expect(largestDifference(logits.narrowed(0, short), single.narrowed(0, 11..<13)) > 1e-3)
    }

    @Test(
        "Configurations with the keys of older transformers compute the same",
        arguments: ModelFixture.causal.filter { $0 != "gpt2" })
    func legacyConfiguration(name: String) throws {
        let url = try ModelFixture(name).url
        let (new, old) = try (
            ModelConfiguration(directory: url), ModelConfiguration(directory: url.appending(path: "legacy"))
        )
        #expect(new.specification == old.specification)
    }

    @Test("Hidden states of some rows alone have the bits they have among all", arguments: ModelFixture.causal)
    func selectedRows(name: String) throws {
        let fixture = try ModelFixture(name)
        let decoder = try fixture.decoder()
        var rows = PackedRows()
        for expected in fixture.expected.cases { rows.append(expected.tokens) }
        let all = withoutGradients { decoder.hiddenStates(rows) }
        for selected: [Int32] in [[Int32(rows.count) - 1, 0, 0, 2], [1], []] {
            let some = withoutGradients { decoder.hiddenStates(rows, at: selected) }
            #expect(some.shape == [selected.count, decoder.specification.width])
            #expect(some.floats() == all.selecting(Tensor(indices: selected)).floats())
        }
    }

    @Test("Log-probabilities of given tokens are those of the logits' softmax at the temperature", arguments: [1, 0.7])
    func tokenLogps(temperature: Double) throws {
        let fixture = try ModelFixture("qwen2")
        let decoder = try fixture.decoder()
        let tokens = fixture.expected.cases[2].tokens
        var rows = PackedRows()
        rows.append(fixture.expected.cases[1].tokens)
        let prompt = rows.append(tokens.prefix(4))
        let response = rows.append(tokens.dropFirst(4), after: prompt)
        var predictions = PredictedTokens()
        predictions.append(tokens.dropFirst(4), in: response, promptEnd: prompt.upperBound - 1, sequence: 1)
        let result = withoutGradients { decoder.tokenLogps(rows, predictions: predictions, temperature: temperature) }
        let expected = (try fixture.logits()[2] * (1 / temperature)).logSoftmax(1).doubles()
        for (index, logp) in result.logps.doubles().enumerated() {
            let place = (3 + index) * decoder.configuration.vocabularySize + Int(tokens[4 + index])
            #expect(abs(logp - expected[place]) < 1e-4)
        }
    }

    @Test("Scores of packed rows equal those of AutoModelForSequenceClassification", arguments: ModelFixture.reward)
    func scores(name: String) throws {
        let fixture = try ModelFixture(name)
        let decoder = try fixture.decoder(.score)
        var rows = PackedRows()
        let ends = fixture.expected.cases.map { Int32(rows.append($0.tokens).upperBound - 1) }
        let scores = withoutGradients { decoder.scores(rows, at: ends) }.floats()
        for (score, expected) in zip(scores, fixture.expected.cases) {
            #expect(abs(score - (expected.score ?? .nan)) < 1e-4)
        }
    }

    @Test("A parameter's first values depend on the seed and its name, norms start at 1 and biases at 0")
    func initialization() throws {
        let configuration = try ModelConfiguration(directory: ModelFixture("gpt_neox").url)
        let decoders = [1, 1, 2].map { (seed: UInt64) in
            let decoder = DecoderModel(configuration, head: .score, trainable: false)
            decoder.initialize(seed: seed)
            return decoder.parameters
        }
        let name = "gpt_neox.layers.1.mlp.dense_h_to_4h.weight"
        #expect(decoders[0].groups[0].values.floats() == decoders[1].groups[0].values.floats())
        #expect(decoders[0][name].floats() != decoders[2][name].floats())
        #expect(decoders[0][name].floats() != decoders[0][name.replacing(".1.", with: ".0.")].floats())
        let values = decoders[0][name].doubles()
        let deviation = (values.map { $0 * $0 }.reduce(0, +) / Double(values.count)).squareRoot()
        #expect(abs(deviation - 0.02) < 0.001)
        #expect(Set(decoders[0]["gpt_neox.final_layer_norm.weight"].floats()) == [1])
        #expect(Set(decoders[0]["gpt_neox.layers.0.mlp.dense_h_to_4h.bias"].floats()) == [0])
        #expect(decoders[0]["score.weight"].floats().contains { abs($0) > 0.02 })
    }

    @Test(
        "Gradients reach every parameter, and those of logps are what finite differences say",
        arguments: ModelFixture.causal)
    func gradients(name: String) throws {
        let fixture = try ModelFixture(name)
        let decoder = try fixture.decoder(trainable: true)
        let tokens = fixture.expected.cases[1].tokens
        var rows = PackedRows()
        let range = rows.append(tokens)
        var predictions = PredictedTokens()
        predictions.append(tokens.dropFirst(), in: range.dropFirst(), promptEnd: 0, sequence: 0)
        let loss = { decoder.tokenLogps(rows, predictions: predictions).logps.sum() }
        loss().backward()
        let gradients = try #require(decoder.parameters.groups[0].gradients)
        for entry in decoder.parameters.groups[0].entries {
            // A key's bias adds the same to all of a query's scores.
            if entry.declaration.name.hasSuffix("k_proj.bias") { continue }
            let norm = gradients.narrowed(0, entry.range).norm()
            // Nor need one of these few tokens go through an expert.
            let isExpert = entry.declaration.name.contains("experts.")
            #expect((norm > 0 || isExpert) && norm.isFinite, "\(entry.declaration.name)")
        }
        // Along the gradient the loss rises by the gradient's norm.
        let step = 1e-3
        let norm = gradients.norm()
        let direction = gradients * (1 / norm)
        decoder.parameters.groups[0].values.add(direction, times: step)
        let above = withoutGradients { loss().item() }
        decoder.parameters.groups[0].values.add(direction, times: -2 * step)
        let below = withoutGradients { loss().item() }
        #expect(abs((above - below) / (2 * step) / norm - 1) < 0.02)
    }

    @Test("SmolLM2's logits equal those of transformers", .enabled(if: TestSupport.smolLM2 != nil, "no SmolLM2 here"))
    func smolLM2() throws {
        struct Reference: Decodable {
            struct Case: Decodable {
                let tokens: [Int32]
                let positions: [Int]
                let logits: [[Double]]
                let logsumexp: [Double]
            }
            let vocabularySample: [Int]
            let cases: [Case]
        }
        let json = JSONDecoder()
        json.keyDecodingStrategy = .convertFromSnakeCase
        let reference = try json.decode(
            Reference.self, from: Data(contentsOf: TestSupport.fixture("smollm2-logits.json")))
        let directory = try ModelDirectory(try #require(TestSupport.smolLM2))
        let decoder = try directory.decoder(head: .languageModel, trainable: false)
        var rows = PackedRows()
        let starts = reference.cases.map { rows.append($0.tokens).lowerBound }
        let hidden = withoutGradients { decoder.hiddenStates(rows) }
        for (start, expected) in zip(starts, reference.cases) {
            for (position, (logits, logSum)) in zip(expected.positions, zip(expected.logits, expected.logsumexp)) {
                let row = start + position
                let computed = withoutGradients { decoder.logits(hidden.narrowed(0, row..<row + 1)) }.doubles()
                for (token, logit) in zip(reference.vocabularySample, logits) {
                    #expect(abs(computed[token] - logit) < 1e-3)
                }
                let largest = computed.max() ?? 0
                let sum = largest + log(computed.map { exp($0 - largest) }.reduce(0, +))
                #expect(abs(sum - logSum) < 1e-3)
            }
        }
    }
}

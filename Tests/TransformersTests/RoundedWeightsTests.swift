import Foundation
import TestSupport
import Testing
import Torch
import Transformers

/// Models that are trained on weights in the type that they compute in, beside a share of the numbers that those are rounded from.
@Suite struct RoundedWeightsTests {
    private func model(
        _ name: String, _ storage: WeightStorage, head: DecoderHead = .languageModel
    ) throws -> DecoderModel {
        try ModelDirectory(ModelFixture(name).url).decoder(
            head: head, trainable: true, storage: storage, placement: .bfloat16)
    }

    private func rows(_ name: String) throws -> (rows: PackedRows, predictions: PredictedTokens) {
        var (rows, predictions) = (PackedRows(), PredictedTokens())
        for tokens in try ModelFixture(name).expected.cases.map(\.tokens) where tokens.count > 1 {
            let place = rows.append(tokens)
            predictions.append(
                tokens.dropFirst(), in: place.lowerBound + 1..<place.upperBound, promptEnd: place.lowerBound,
                sequence: 0)
        }
        return (rows, predictions)
    }

    /// All gradients of a model, by the elements of its trained groups, as they are handed on.
    private func gradients(of model: DecoderModel, after loss: () -> Tensor) -> [Float] {
        var sums = [Float](repeating: 0, count: model.parameters.trainedCount)
        var start = 0
        for group in model.parameters.trained {
            let first = start
            group.handOnGradients { gradient, elements in
                #expect(gradient.type == .float32)
                for (index, value) in zip(elements, gradient.floats()) { sums[first + index] += value }
            }
            start += group.count
        }
        loss().backward()
        return sums
    }

    @Test(
        "Passes have the bits of those over float32 weights, and gradients are float32 with the same bits",
        arguments: ModelFixture.causal, [false, true])
    func passes(_ name: String, recomputes: Bool) throws {
        let (rows, predictions) = try rows(name)
        let found = try [WeightStorage.wide, .rounded(masters: .init(0, of: 1))].map { storage in
            let model = try model(name, storage)
            model.recomputesActivations = recomputes
            var logps: [Float] = []
            let gradients = gradients(of: model) {
                let tokens = model.tokenLogps(rows, predictions: predictions).logps
                logps = tokens.detached().floats()
                return tokens.mean()
            }
            return (logps: logps, gradients: gradients)
        }
        #expect(found[0].logps == found[1].logps)
        #expect(found[0].gradients == found[1].gradients && found[0].gradients.contains { $0 != 0 })
    }

    @Test("Scores have the bits of those over float32 weights", arguments: ModelFixture.reward)
    func scores(_ name: String) throws {
        let tokens = try #require(ModelFixture(name).expected.cases.map(\.tokens).max { $0.count < $1.count })
        var rows = PackedRows()
        let last = Int32(rows.append(tokens).upperBound - 1)
        let scores = try [WeightStorage.wide, .rounded(masters: nil)].map {
            try model(name, $0, head: .score).scores(rows, at: [last]).detached().floats()
        }
        #expect(scores[0] == scores[1])
    }

    @Test(
        "Matrices are rounded; score heads, norms, biases, and tables that are added up or scaled are not",
        arguments: [("llama", 0), ("gpt2", 2), ("gemma", 1)])
    func types(_ name: String, tables: Int) throws {
        let model = try model(name, .rounded(masters: nil))
        let wide = model.parameters.declarations.filter { model.parameters[$0.name].type == .float32 }
        #expect(wide.count { $0.decays } == tables)
        #expect(wide.count { !$0.decays } == model.parameters.declarations.count { !$0.decays })
        let reward = try self.model("reward-llama", .rounded(masters: nil), head: .score)
        #expect(reward.parameters["score.weight"].type == .float32)
    }

    @Test("Shares of masters make up the numbers of the files, whatever their number", arguments: [1, 2, 3])
    func masters(shares: Int) throws {
        let whole = try model("qwen2", .wide).parameters
        var numbers: [Float] = []
        for index in 0..<shares {
            let parameters = try model("qwen2", .rounded(masters: .init(index, of: shares))).parameters
            let masters = try #require(parameters.masters)
            #expect(masters.slice.lowerBound == numbers.count)
            numbers += masters.values.floats()
            for declaration in whole.declarations {
                let rounded = parameters[declaration.name]
                #expect(rounded.detached().floats() == whole[declaration.name].converted(to: rounded.type).floats())
            }
        }
        #expect(numbers == whole.groups[0].values.floats())
    }
}

import Commands
import Foundation
import Objectives
import PreferenceData
import Runs
import Stages
import TestSupport
import Testing
import Torch
import Training
import Transformers

/// `dpo/tiny.json`: TRL 1.16 on twelve pairs with a small Llama.
private struct TinyFixture: Decodable {
    var referenceLogps: DPOFixture.Logps
    var losses: [String: DPOFixture.Loss]
}

@Suite("DPO against TRL on a small model")
struct DPOParityTests {
    private let fixture: DPOFixture
    private let tiny: TinyFixture
    private let tensors: SafetensorsFile

    init() throws {
        fixture = try decodeFixture(DPOFixture.self, "dpo/tiny.json")
        tiny = try decodeFixture(TinyFixture.self, "dpo/tiny.json")
        tensors = try SafetensorsFile(TestSupport.fixture("dpo/tiny.safetensors"))
    }

    /// The reference's sums as this project computes them.
    private func reference(maxTokens: Int = 100) throws -> ReferenceTable {
        let model = try ModelDirectory(TestSupport.fixture("models/llama")).decoder(
            head: .languageModel, trainable: false)
        return ReferenceTable(ReferenceLogps.sums(of: fixture.examples, under: model, maxTokens: maxTokens))
    }

    @Test("The reference's log-probabilities are TRL's, whatever the micro-batches", arguments: [1, 100, 100_000])
    func referenceLogps(maxTokens: Int) throws {
        let actual = try reference(maxTokens: maxTokens)
        #expect(tiny.referenceLogps.rows.count == fixture.pairs.count)
        for (index, expected) in tiny.referenceLogps.rows {
            let logps = try #require(actual[index])
            #expect(relativeError(logps.chosen, expected.chosen) < 1e-5)
            #expect(relativeError(logps.rejected, expected.rejected) < 1e-5)
        }
    }

    @Test("Losses of the batch and of each pair are TRL's", arguments: DPOFixture.losses)
    func losses(name: String) throws {
        let expected = try #require(tiny.losses[name])
        let objective = DPOObjective(
            loss: try expected.preferenceLoss(beta: fixture.training.settings.beta), reference: try reference())
        let model = try trainable("dpo/policy")
        #expect(relativeError(objective.accumulate(model, fixture.examples, maxTokens: 100), expected.loss) < 1e-4)
        for (pair, loss) in zip(fixture.examples, expected.perPair) {
            let actual = objective.accumulate(model, [pair], maxTokens: 100)
            // A hinge loss may be exactly 0.
            #expect(abs(actual - loss) <= 1e-4 * max(abs(loss), 1e-2), "pair \(pair.index)")
        }
    }

    @Test(
        "The gradient of every parameter is TRL's, however the pairs are packed", arguments: DPOFixture.losses,
        [60, 100_000])
    func gradients(name: String, maxTokens: Int) throws {
        let loss = try #require(tiny.losses[name]).preferenceLoss(beta: fixture.training.settings.beta)
        let model = try trainable("dpo/policy")
        DPOObjective(loss: loss, reference: try reference()).accumulate(
            model, fixture.examples, maxTokens: maxTokens)
        let gradients = model.parameters.gradientsByName()
        #expect(!gradients.isEmpty)
        let worst = try largestError(gradients) { try tensors.tensor("gradient.\(name).\($0)").floats() }
        #expect(worst.error <= 1e-4, "\(worst.name)")
    }

    @Test("Three optimizer steps make TRL's updates")
    func updates() throws {
        let model = try trainable("dpo/policy")
        let start = model.parameters.valuesByName()
        let steps = try fixture.training.run(
            model, fixture.examples, reference: try reference(), maxTokens: 100
        ) { step in
            guard tensors.entries["update.\(step).model.norm.weight"] != nil else { return }
            let worst = try updateError(model, from: start, step: step)
            #expect(worst.error <= 1e-3, "\(worst.name) after step \(step)")
        }
        for (actual, expected) in zip(steps, fixture.training.steps) {
            #expect(relativeError(actual.loss, expected.loss) < 1e-4)
            #expect(relativeError(actual.gradNorm, expected.gradNorm) < 1e-4)
        }
    }

    @Test("The comparison of updates fails where the optimizer is switched off or half as fast", arguments: [0, 5e-4])
    func comparisonFails(learningRate: Double) throws {
        let model = try trainable("dpo/policy")
        let start = model.parameters.valuesByName()
        _ = try fixture.training.run(
            model, fixture.examples, reference: try reference(), learningRate: learningRate, maxTokens: 100)
        #expect(try updateError(model, from: start, step: 3).error > 0.1)
    }

    @Test("The parameters without weight decay are TRL's")
    func decay() throws {
        let model = try trainable("dpo/policy")
        let spared = model.parameters.declarations.filter { !$0.decays }.map(\.name)
        #expect(spared.sorted() == fixture.training.withoutWeightDecay.sorted())
    }

    private func updateError(
        _ model: DecoderModel, from start: [String: [Float]], step: Int
    ) throws -> (name: String, error: Double) {
        let update = model.parameters.valuesByName().merging(start) { zip($0, $1).map { $0 - $1 } }
        return try largestError(update) { try tensors.tensor("update.\(step).\($0)").floats() }
    }
}

import Configuration
import Objectives
import PreferenceData
import Runs
import Stages
import TestSupport
import Testing
import Torch
import Training
import Transformers

/// `dpo/losses.json`: TRL 1.16's preference losses in three steps each on the pairs of `dpo/tiny.json`.
private struct LossFixture: Decodable {
    struct Case: Decodable, CustomStringConvertible {
        var configuration: String
        /// Whether the pairs answer nothing; their responses begin with the beginning-of-sequence token then.
        var withoutPrompt: Bool?
        var losses: [Double]
        var gradNorms: [Double]
        var update: SignProjections.Summary

        var description: String { configuration }
    }

    var beta: Double
    var projections: SignProjections
    var cases: [Case]

    static let all: LossFixture? = try? decodeFixture(LossFixture.self, "dpo/losses.json")
}

@Suite("Preference losses against TRL on a small model")
struct DPOLossParityTests {
    private let fixture: DPOFixture
    private let losses: LossFixture

    init() throws {
        fixture = try decodeFixture(DPOFixture.self, "dpo/tiny.json")
        losses = try #require(LossFixture.all)
    }

    @Test("Losses, gradients' norms and three updates are TRL's", arguments: LossFixture.all?.cases ?? [])
    private func steps(expected: LossFixture.Case) throws {
        let (steps, error) = try train(expected)
        for (step, (actual, (loss, norm))) in zip(steps, zip(expected.losses, expected.gradNorms)).enumerated() {
            #expect(abs(actual.loss - loss) <= 1e-4 * abs(loss), "step \(step + 1): \(actual.loss) for \(loss)")
            #expect(abs(actual.gradNorm - norm) <= 1e-4 * abs(norm), "step \(step + 1): \(actual.gradNorm) for \(norm)")
        }
        #expect(error.ofNorm <= 1e-3 && error.ofProjections <= 1e-3, "\(error)")
    }

    @Test("The comparison of updates fails where the optimizer is switched off, or the loss is another")
    func comparisonFails() throws {
        let robust = try #require(losses.cases.first { $0.configuration.contains("robust") })
        #expect(try train(robust, learningRate: 0).error.ofProjections > 0.1)
        #expect(try train(robust, as: "loss_type: sigmoid_norm").error.ofProjections > 0.01)
    }

    private func train(
        _ expected: LossFixture.Case, as configuration: String? = nil, learningRate: Double? = nil
    ) throws -> (steps: [(loss: Double, gradNorm: Double)], error: (ofNorm: Double, ofProjections: Double)) {
        var choice = LossChoice()
        choice.beta = losses.beta
        var reader = ConfigurationReader(file: .none)
        let text = configuration ?? expected.configuration
        try reader.read(&choice, from: try ConfigurationNode(yaml: text) { _ in .none }, block: "dpo")
        let (loss, pairs) = (try choice.loss(), examples(expected.withoutPrompt ?? false))
        let model = try trainable("dpo/policy")
        let start = model.parameters.valuesByName()
        let steps = try fixture.training.run(
            model, pairs, DPOObjective(loss: loss, references: try references(loss.needs, pairs)),
            learningRate: learningRate, maxTokens: 100_000)
        let update = model.parameters.valuesByName().merging(start) { zip($0, $1).map { $0 - $1 } }
        let flat = update.keys.sorted().flatMap { update[$0] ?? [] }
        return (steps, losses.projections.error(of: flat, expected.update))
    }

    private func examples(_ withoutPrompt: Bool) -> [TokenizedPair] {
        guard withoutPrompt else { return fixture.examples }
        return fixture.examples.map { pair in
            let first = pair.prompt.prefix(1)
            return TokenizedPair(
                index: pair.index, prompt: [], chosen: first + pair.chosen, rejected: first + pair.rejected)
        }
    }

    /// What `models/llama` says of the pairs, as far as the loss asks.
    private func references(_ needs: LossNeeds, _ pairs: [TokenizedPair]) throws -> [ReferencePair] {
        guard needs.references > 0 else { return [] }
        let model = try ModelDirectory(TestSupport.fixture("models/llama")).decoder(
            head: .languageModel, trainable: false)
        let columns = ReferenceColumns(needs)
        let rows = ResponseBatch.eachMicroBatch(of: pairs, maxTokens: 100_000).flatMap {
            ReferenceRow.rows(of: $0, under: model, columns)
        }
        return [ReferencePair(training: try ReferenceTable(rows, of: pairs, columns))]
    }
}

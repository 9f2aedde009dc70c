import Commands
import Foundation
import Objectives
import Runs
import Stages
import TestSupport
import Testing
import Torch
import Training
import Transformers

/// `dpo/smollm2.json`: TRL 1.16 on eight pairs with SmolLM2, whose tensors it gives by norms and sign projections.
private struct SmolLM2Fixture: Decodable {
    struct Shifted: Decodable {
        var referenceLogps: DPOFixture.Logps
        var beta: Double
        var losses: [String: DPOFixture.Loss]
        var gradients: [String: SignProjections.Summary]
    }
    struct Training: Decodable {
        var updates: [String: [String: SignProjections.Summary]]
    }

    var projections: SignProjections
    var shiftedReference: Shifted
    var training: Training
}

/// How far a tensor is from one of which norm and projections are known.
private struct ParameterError {
    let name: String
    /// The relative difference of the norms, which is no larger than the relative error.
    let ofNorm: Double
    /// The relative error as the projections estimate it.
    let ofProjections: Double

    init(_ name: String, _ errors: (ofNorm: Double, ofProjections: Double)) {
        (self.name, ofNorm, ofProjections) = (name, errors.ofNorm, errors.ofProjections)
    }
}

@Suite(
    "DPO against TRL on SmolLM2", .serialized,
    .enabled(if: TestSupport.smolLM2 != nil, "SmolLM2 is not there: set MPO_SMOLLM2"))
struct SmolLM2ParityTests {
    private let fixture: DPOFixture
    private let numbers: SmolLM2Fixture

    init() throws {
        fixture = try decodeFixture(DPOFixture.self, "dpo/smollm2.json")
        numbers = try decodeFixture(SmolLM2Fixture.self, "dpo/smollm2.json")
    }

    private func model(trainable: Bool) throws -> DecoderModel {
        try ModelDirectory(try #require(TestSupport.smolLM2)).decoder(head: .languageModel, trainable: trainable)
    }

    @Test("Losses and the gradient of every parameter are TRL's")
    func lossesAndGradients() throws {
        let model = try model(trainable: true)
        let shifted = numbers.shiftedReference
        for (index, logps) in ReferenceLogps.sums(of: fixture.examples, under: model, maxTokens: 256) {
            let expected = fixture.policyLogps.rows[index].logps
            #expect(relativeError(logps.chosen, expected.chosen) < 1e-4)
            #expect(relativeError(logps.rejected, expected.rejected) < 1e-4)
        }
        for name in DPOFixture.losses {
            let expected = try #require(shifted.losses[name])
            let objective = DPOObjective(
                loss: try expected.preferenceLoss(beta: shifted.beta), reference: shifted.referenceLogps.table)
            model.parameters.clearGradients()
            let loss = objective.accumulate(model, fixture.examples, maxTokens: 256)
            #expect(relativeError(loss, expected.loss) < 1e-4, "\(name)")
            guard name == "sigmoid" else { continue }
            let gradients = model.parameters.gradientsByName()
            #expect(Set(gradients.keys) == Set(shifted.gradients.keys))
            let errors = try shifted.gradients.map { parameter, expected in
                ParameterError(parameter, try numbers.projections.error(of: #require(gradients[parameter]), expected))
            }
            expect(errors, atMost: 1e-4)
        }
    }

    @Test("Three optimizer steps make TRL's updates, and none where the optimizer is switched off")
    func updates() throws {
        let reference = fixture.policyLogps.table
        for learningRate: Double? in [nil, 0] {
            let model = try model(trainable: true)
            let start = model.parameters.valuesByName()
            var errors: [ParameterError] = []
            let steps = try fixture.training.run(
                model, fixture.examples, reference: reference, learningRate: learningRate, maxTokens: 256
            ) { step in
                guard let expected = numbers.training.updates["\(step)"] else { return }
                errors += try expected.map { parameter, summary in
                    let update = try zip(values(model, parameter), #require(start[parameter])).map { $0 - $1 }
                    return ParameterError("\(parameter) after \(step)", numbers.projections.error(of: update, summary))
                }
            }
            #expect(errors.count == 2 * start.count)
            guard learningRate == nil else {
                #expect(errors.allSatisfy { $0.ofNorm > 0.1 })
                continue
            }
            expect(errors, atMost: 1e-3)
            for (actual, expected) in zip(steps, fixture.training.steps) {
                #expect(relativeError(actual.loss, expected.loss) < 1e-4)
                #expect(relativeError(actual.gradNorm, expected.gradNorm) < 1e-4)
            }
        }
    }

    private func values(_ model: DecoderModel, _ name: String) -> [Float] { model.parameters[name].floats() }

    /// Relative errors are at most `bound`, as far as norms and projections tell.
    private func expect(_ errors: [ParameterError], atMost bound: Double) {
        for error in errors {
            #expect(error.ofNorm <= bound, "\(error)")
            #expect(error.ofProjections <= bound, "\(error)")
        }
    }
}

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
    struct Projections: Decodable {
        var seed: UInt64
        var count: Int
    }
    struct Summary: Decodable {
        var norm: Double
        var projections: [Double]
    }
    struct Shifted: Decodable {
        var referenceLogps: DPOFixture.Logps
        var beta: Double
        var losses: [String: DPOFixture.Loss]
        var gradients: [String: Summary]
    }
    struct Training: Decodable {
        var updates: [String: [String: Summary]]
    }

    var projections: Projections
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
                ParameterError(parameter, try self.error(of: #require(gradients[parameter]), expected))
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
                    return ParameterError("\(parameter) after \(step)", error(of: update, summary))
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

    private func error(
        of values: [Float], _ expected: SmolLM2Fixture.Summary
    ) -> (ofNorm: Double, ofProjections: Double) {
        let norm = values.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
        let squares = zip(projections(of: values), expected.projections).map { ($0 - $1) * ($0 - $1) }
        let difference = (squares.reduce(0, +) / Double(squares.count)).squareRoot()
        return (abs(norm - expected.norm) / expected.norm, difference / expected.norm)
    }

    /// Sums with random signs, as `Tests/Fixtures/README.md` defines them.
    private func projections(of values: [Float]) -> [Double] {
        var sums = [Double](repeating: 0, count: numbers.projections.count)
        var state = numbers.projections.seed
        for value in values {
            state &+= 0x9E37_79B9_7F4A_7C15
            var bits = (state ^ (state >> 30)) &* 0xBF58_476D_1CE4_E5B9
            bits = (bits ^ (bits >> 27)) &* 0x94D0_49BB_1331_11EB
            bits ^= bits >> 31
            for k in sums.indices { sums[k] += (bits >> (63 - UInt64(k))) & 1 == 0 ? Double(value) : -Double(value) }
        }
        return sums
    }
}

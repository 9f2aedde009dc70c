import Foundation
import MPI
import Objectives
import PreferenceData
import Runs
import Stages
import TestSupport
import Testing
import Torch
import Training
import Transformers

/// Training in bfloat16 on masters in float32 is held against training in float32.
@Suite("Training in bfloat16")
struct HalfPrecisionTrainingTests {
    /// Pairs whose chosen response is of other tokens than the rejected one; one in eight is the wrong way round, so that a loss
    /// does not vanish.
    private static let pairs: [TokenizedPair] = {
        var random = SplitMix64(5)
        return (0..<320).map { index in
            let token = { (first: Int) in Int32(first + random.next(below: 74)) }
            let prompt = (0..<4).map { _ in token(3) }
            var responses = [3, 80].map { first in (0..<4).map { _ in token(first) } + [2] }
            if index % 8 == 0 { responses.swapAt(0, 1) }
            return TokenizedPair(index: index, prompt: prompt, chosen: responses[0], rejected: responses[1])
        }
    }()
    private static let (training, heldOut) = (Array(pairs[..<256]), Array(pairs[256...]))

    private func model(_ type: ScalarType) throws -> DecoderModel {
        try ModelDirectory(TestSupport.fixture("models/llama")).decoder(
            head: .languageModel, trainable: true, placement: Placement(type))
    }

    /// Losses of steps of 32 examples.
    private func train<Objective: OfflineObjective>(
        _ model: DecoderModel, _ objective: Objective, on examples: [Objective.Example], steps: Int, rate: Double
    ) throws -> [Double] {
        var options = OptimizerOptions(learningRate: rate)
        options.schedule = .constant
        let updater = ParameterUpdater(
            model.parameters, options, totalSteps: steps, communicator: try MPIRuntime().world)
        return try (0..<steps).map { step in
            let batch = (0..<32).map { examples[(32 * step + $0) % examples.count] }
            let loss = objective.accumulate(model, batch, maxTokens: 4096)
            _ = try #require(try updater.step(at: step))
            return loss
        }
    }

    private func objective() throws -> DPOObjective {
        let frozen = try model(.float32)
        let rows = withoutGradients {
            Self.pairs.map { pair in
                let sums = [pair.chosen, pair.rejected].map { response in
                    let batch = ResponseBatch([TokenizedCompletion(index: 0, prompt: pair.prompt, completion: response)]
                    )
                    return frozen.tokenLogps(batch.rows, predictions: batch.predictions).logps.sum().item()
                }
                return (index: pair.index, logps: ReferenceLogps(chosen: sums[0], rejected: sums[1]))
            }
        }
        return DPOObjective(loss: PreferenceLossForm.sigmoid.loss(beta: 0.1), reference: ReferenceTable(rows))
    }

    private var completions: [TokenizedCompletion] {
        Self.training.map { TokenizedCompletion(index: $0.index, prompt: $0.prompt, completion: $0.chosen) }
    }

    @Test("Masters move by steps that bfloat16 could not hold, and as far as in float32")
    func masters() throws {
        let start = try model(.float32).parameters.trained[0].values.floats()
        var moved: [[Float]] = []
        for type in [ScalarType.float32, .bfloat16] {
            let model = try model(type)
            _ = try train(model, SFTObjective(), on: completions, steps: 100, rate: 1e-6)
            moved.append(zip(model.parameters.trained[0].values.floats(), start).map { $0 - $1 })
        }
        // Rows of tokens that no example has stay where they are in either.
        let (all, both) = (moved[0].count { $0 != 0 }, zip(moved[0], moved[1]).count { $0 != 0 && $1 != 0 })
        #expect(both > all * 99 / 100 && all > start.count / 2)
        let norms = moved.map { $0.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot() }
        #expect(relativeError(norms[1], norms[0]) < 0.01, "\(norms)")
        // Of numbers as large as these a bfloat16 would have kept none of it.
        let lost = zip(start, moved[1]).count { abs($1) < abs($0) / 512 }
        #expect(lost > all / 2)
    }

    /// Differences of the mean losses of windows of 20 steps, as shares of the loss.
    private func windows(_ losses: [[Double]]) -> [Double] {
        stride(from: 0, to: losses[0].count, by: 20).map { start in
            let sums = losses.map { $0[start..<start + 20].reduce(0, +) }
            return (sums[1] - sums[0]) / sums[0]
        }
    }

    // Rounded logits cost a little likelihood on average, so these differences are of one sign, unlike those of pairs.
    @Test("300 steps of SFT have the losses of float32 but for a share of a percent")
    func supervised() throws {
        let losses = try [ScalarType.float32, .bfloat16].map {
            try train(try model($0), SFTObjective(), on: completions, steps: 300, rate: 3e-4)
        }
        let differences = windows(losses)
        #expect(differences.allSatisfy { abs($0) < 0.002 } && losses[0][299] < 0.9 * losses[0][0], "\(differences)")
    }

    @Test("300 steps of DPO have them but for rounding of changing sign, and the accuracy on held-out pairs")
    func preferences() throws {
        let objective = try objective()
        var losses: [[Double]] = []
        var accuracies: [Double] = []
        for type in [ScalarType.float32, .bfloat16] {
            let model = try model(type)
            losses.append(try train(model, objective, on: Self.training, steps: 300, rate: 3e-4))
            let step = OfflineStep(weights: objective.weights(of: Self.heldOut[0]).map { $0 * Self.heldOut.count })
            let found = withoutGradients { objective.loss(model, ResponseBatch(Self.heldOut), of: step).metrics.report }
            accuracies.append(try #require(found["rewards/accuracies"]))
        }
        let differences = windows(losses)
        #expect(differences.allSatisfy { abs($0) < 0.005 } && losses[0][299] < 0.9 * losses[0][0], "\(differences)")
        #expect(Set(differences.map { $0 > 0 }).count == 2, "\(differences)")
        let deviation = (accuracies[0] * (1 - accuracies[0]) / Double(Self.heldOut.count)).squareRoot()
        #expect(abs(accuracies[1] - accuracies[0]) <= 1.96 * deviation, "\(accuracies)")
    }
}

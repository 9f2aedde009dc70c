import Foundation
import MPI
import Objectives
import PreferenceData
import Stages
import TestSupport
import Testing
import Torch
import Training
import Transformers

/// `kto/tiny.json`: TRL 1.16 on eighteen answers, six a step, with a small Llama.
private struct KTOFixture: Decodable {
    struct Answer: Decodable {
        var promptIds: [Int32]
        var completionIds: [Int32]
        var label: Bool
    }
    struct Settings: Decodable {
        var beta: Double
        var desirableWeight: Double
        var undesirableWeight: Double
        var answersPerStep: Int
    }
    struct Logps: Decodable {
        var completion: [Double]
        var mismatched: [Double]
    }
    struct Steps: Decodable {
        struct Step: Decodable {
            var loss: Double
            var gradNorm: Double
            var metrics: [String: Double]
        }
        var steps: [Step]
    }

    var answers: [Answer]
    var settings: Settings
    var referenceLogps: Logps
    /// By the loss's name.
    var losses: [String: Steps]
}

@Suite("KTO against TRL on a small model")
struct KTOParityTests {
    private let fixture: KTOFixture
    private let optimizer: DPOFixture.Training.Settings
    private let tensors: SafetensorsFile
    private let answers: [TokenizedAnswer]

    init() throws {
        struct Training: Decodable { var settings: DPOFixture.Training.Settings }
        fixture = try decodeFixture(KTOFixture.self, "kto/tiny.json")
        optimizer = try decodeFixture(Training.self, "kto/tiny.json").settings
        tensors = try SafetensorsFile(TestSupport.fixture("kto/tiny.safetensors"))
        let size = fixture.settings.answersPerStep
        let answers = fixture.answers.enumerated().map { index, answer in
            TokenizedAnswer(
                index: index, record: index, prompt: answer.promptIds, completion: answer.completionIds,
                isDesirable: answer.label)
        }
        // TRL turns the completions of a step round by one.
        self.answers = answers.mismatched(
            with: answers.indices.map { $0 % size > 0 ? $0 - 1 : $0 + size - 1 }, maxLength: nil)
    }

    private func table() throws -> ReferenceTable {
        let model = try ModelDirectory(TestSupport.fixture("models/llama")).decoder(
            head: .languageModel, trainable: false)
        return ReferenceTable(ReferenceLogps.sums(of: answers.map(\.withMismatched), under: model, maxTokens: 100))
    }

    @Test("The reference's sums of completions and of mismatched ones are TRL's, together and alone")
    func referenceLogps() throws {
        let table = try table()
        let model = try ModelDirectory(TestSupport.fixture("models/llama")).decoder(
            head: .languageModel, trainable: false)
        let alone = ReferenceTable(ReferenceLogps.sums(of: answers.map(\.alone), under: model, maxTokens: 100))
        for index in answers.indices {
            let sums = try #require(table[index])
            #expect(relativeError(sums.chosen, fixture.referenceLogps.completion[index]) < 1e-5)
            #expect(relativeError(sums.rejected, fixture.referenceLogps.mismatched[index]) < 1e-5)
            let single = try #require(alone[index])
            #expect(relativeError(single.chosen, sums.chosen) < 1e-5 && single.rejected == 0)
        }
    }

    /// Takes TRL's steps, and gives their losses, divergences and norms, and the error of the worst update.
    private func train(_ kind: UnpairedLoss.Kind, learningRate: Double? = nil, maxTokens: Int = 60) throws -> (
        steps: [(metrics: [String: Double], gradNorm: Double)], worst: (name: String, error: Double)
    ) {
        let settings = fixture.settings
        let loss = UnpairedLoss(
            kind, beta: settings.beta, desirableWeight: settings.desirableWeight,
            undesirableWeight: settings.undesirableWeight)
        let model = try trainable("dpo/policy")
        let start = model.parameters.valuesByName()
        let world = try MPIRuntime().world
        var options = OptimizerOptions(
            learningRate: learningRate ?? optimizer.learningRate, adamEpsilon: optimizer.adamEpsilon)
        (options.adamBeta1, options.adamBeta2) = (optimizer.adamBeta1, optimizer.adamBeta2)
        (options.weightDecay, options.maxGradNorm) = (optimizer.weightDecay, optimizer.maxGradNorm)
        options.schedule = .constant
        let updater = ParameterUpdater(model.parameters, options, totalSteps: 3, communicator: world)
        let pass = OfflinePass(
            model: model,
            objective: KTOObjective(loss: loss, reference: ReferencePair(training: try table()), answers: answers),
            workers: world, maxTokens: maxTokens)
        let steps = try (0..<3).map { number in
            let batch = Array(answers[number * settings.answersPerStep..<(number + 1) * settings.answersPerStep])
            let whole = try pass.step(over: batch)
            #expect((whole.pairs != nil) == loss.needsDivergence)
            let metrics = pass.accumulateGradients(over: batch, of: whole) { $0.backward() }.metrics.report
            guard let update = try updater.step(at: number) else { throw MissingFixture(what: "a finite gradient") }
            return (metrics, update.gradientNorm)
        }
        let update = model.parameters.valuesByName().merging(start) { zip($0, $1).map { $0 - $1 } }
        return (
            steps, try largestError(update) { try tensors.tensor("update.\(kind.rawValue).\($0)").floats() }
        )
    }

    @Test(
        "Losses, metrics and three updates are TRL's, whatever the micro-batches",
        arguments: UnpairedLoss.Kind.allCases,
        [60, 100_000])
    func steps(kind: UnpairedLoss.Kind, maxTokens: Int) throws {
        let found = try train(kind, maxTokens: maxTokens)
        let expected = try #require(fixture.losses[kind.rawValue]).steps
        #expect(expected.count == 3)
        for (step, expected) in zip(found.steps, expected) {
            #expect(relativeError(step.metrics["loss"] ?? .nan, expected.loss) < 1e-4)
            #expect(relativeError(step.gradNorm, expected.gradNorm) < 1e-3)
            #expect(Set(step.metrics.keys) == Set(expected.metrics.keys).union(["loss"]))
            for (name, value) in expected.metrics {
                #expect(abs((step.metrics[name] ?? .nan) - value) < 1e-3 * max(abs(value), 1), "\(name)")
            }
        }
        #expect(kind != .kto || found.steps[1].metrics["kl"] ?? 0 > 1)
        #expect(found.worst.error <= 1e-3, "\(found.worst.name)")
    }

    @Test("A mismatched completion of which nothing is predicted counts as no change", arguments: [1, 100])
    func nothingPredicted(maxTokens: Int) throws {
        let answers = [
            TokenizedAnswer(index: 0, record: 0, prompt: [], completion: [5, 6, 2], isDesirable: true),
            TokenizedAnswer(index: 1, record: 1, prompt: [1, 7], completion: [2], isDesirable: false),
        ].mismatched(seed: 1, maxLength: nil)
        let model = try trainable("dpo/policy")
        let table = ReferenceTable(
            ReferenceLogps.sums(
                of: answers.map(\.withMismatched), under: try trainable("models/llama"), maxTokens: maxTokens))
        let pass = OfflinePass(
            model: model,
            objective: KTOObjective(loss: UnpairedLoss(), reference: ReferencePair(training: table), answers: answers),
            workers: try MPIRuntime().world, maxTokens: maxTokens)
        let step = try pass.step(over: answers)
        #expect(step.pairs?.scores.map { $0.margin == 0 } == [true, false])
        #expect(
            pass.accumulateGradients(over: answers, of: step) { $0.backward() }.metrics.report["loss"]?.isFinite
                ?? false)
    }

    @Test("The comparison of updates fails where the optimizer is switched off, or the divergence is left out")
    func comparisonFails() throws {
        #expect(try train(.kto, learningRate: 0).worst.error > 0.1)
        let without = try tensors.tensor("update.apo_zero_unpaired.model.norm.weight").floats()
        #expect(relativeError(without, try tensors.tensor("update.kto.model.norm.weight").floats()) > 2e-3)
    }
}

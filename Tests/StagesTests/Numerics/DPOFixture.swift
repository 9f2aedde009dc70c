import Commands
import MPI
import Objectives
import PreferenceData
import Runs
import Stages
import Torch
import Training
import Transformers

/// What TRL computed on one set of pairs: `dpo/tiny.json` and `dpo/smollm2.json`.
struct DPOFixture: Decodable {
    struct Pair: Decodable {
        var promptIds: [Int32]
        var chosenIds: [Int32]
        var rejectedIds: [Int32]
    }
    struct Logps: Decodable {
        var chosen: [Double]
        var rejected: [Double]

        /// By the pair's index.
        var table: ReferenceTable { ReferenceTable(rows) }

        var rows: [(index: Int, logps: ReferenceLogps)] {
            zip(chosen, rejected).enumerated().map { ($0, ReferenceLogps(chosen: $1.0, rejected: $1.1)) }
        }
    }
    struct Loss: Decodable {
        var lossType: String
        var labelSmoothing: Double?
        var loss: Double
        var perPair: [Double]
    }
    struct Training: Decodable {
        struct Settings: Decodable {
            var adamBeta1: Double
            var adamBeta2: Double
            var adamEpsilon: Double
            var weightDecay: Double
            var maxGradNorm: Double
            var learningRate: Double
            var beta: Double
        }
        struct Step: Decodable {
            var loss: Double
            var gradNorm: Double
            var pairs: [Int]?
        }
        var settings: Settings
        var steps: [Step]
        var withoutWeightDecay: [String]
    }

    /// The losses of TRL that this project has.
    static let losses = ["sigmoid", "ipo", "hinge", "label_smoothing"]

    var pairs: [Pair]
    var policyLogps: Logps
    var training: Training

    var examples: [TokenizedPair] {
        pairs.enumerated().map {
            TokenizedPair(index: $0, prompt: $1.promptIds, chosen: $1.chosenIds, rejected: $1.rejectedIds)
        }
    }
}

extension DPOFixture.Loss {
    func preferenceLoss(beta: Double) throws -> PreferenceLoss {
        guard let form = PreferenceLosses.standard[lossType] else { throw MissingFixture(what: "loss \(lossType)") }
        var settings = LossSettings()
        settings[LabelSmoothing.self] = LabelSmoothing(labelSmoothing ?? 0)
        return form.loss(beta: beta, settings)
    }
}

/// Something a fixture should have.
struct MissingFixture: Error {
    var what: String
}

extension OfflineObjective {
    /// Adds the gradient of a batch's loss, in micro-batches of at most so many tokens, and gives the loss.
    @discardableResult
    func accumulate(_ model: DecoderModel, _ examples: [Example], maxTokens: Int) -> Double {
        guard let first = examples.first else { return 0 }
        var step = OfflineStep(
            weights: examples.dropFirst().reduce(weights(of: first)) { zip($0, self.weights(of: $1)).map(+) })
        if wholeStepTerms > 0 {
            let scores = withoutGradients { [step] in self.scores(model, ResponseBatch(examples), of: step) }
            step.pairs = StepPairs(indices: examples.map(\.index), terms: scores)
        }
        return ResponseBatch.microBatches(examples, maxTokens: maxTokens).reduce(0) { sum, batch in
            let term = loss(model, batch, of: step)
            term.value.backward()
            return sum + term.value.item()
        }
    }
}

extension DPOFixture.Training {
    /// Takes TRL's optimizer steps, or as many with another learning rate; returns losses and gradient norms.
    func run(
        _ model: DecoderModel, _ examples: [TokenizedPair], reference: ReferenceTable,
        learningRate: Double? = nil, maxTokens: Int, afterStep: (Int) throws -> Void = { _ in }
    ) throws -> [(loss: Double, gradNorm: Double)] {
        let objective = DPOObjective(loss: PreferenceLossForm.sigmoid.loss(beta: settings.beta), reference: reference)
        return try run(
            model, examples, objective, learningRate: learningRate, maxTokens: maxTokens, afterStep: afterStep)
    }

    /// The same by another loss.
    func run(
        _ model: DecoderModel, _ examples: [TokenizedPair], _ objective: DPOObjective,
        learningRate: Double? = nil, maxTokens: Int, afterStep: (Int) throws -> Void = { _ in }
    ) throws -> [(loss: Double, gradNorm: Double)] {
        var options = OptimizerOptions(
            learningRate: learningRate ?? settings.learningRate, adamEpsilon: settings.adamEpsilon)
        (options.adamBeta1, options.adamBeta2) = (settings.adamBeta1, settings.adamBeta2)
        (options.weightDecay, options.maxGradNorm) = (settings.weightDecay, settings.maxGradNorm)
        options.schedule = .constant
        let updater = ParameterUpdater(
            model.parameters, options, totalSteps: steps.count, communicator: try MPIRuntime().world)
        return try steps.enumerated().map { number, step in
            let batch = step.pairs.map { $0.map { examples[$0] } } ?? examples
            let loss = objective.accumulate(model, batch, maxTokens: maxTokens)
            guard let update = try updater.step(at: number) else { throw MissingFixture(what: "a finite gradient") }
            try afterStep(number + 1)
            return (loss, update.gradientNorm)
        }
    }
}

import Objectives
import PreferenceData
import Runs
import Stages
import Training
import Transformers

extension Bench {
    func sft() throws -> Measurement {
        try steps("sft", of: SFTObjective(), unit: "examples", head: .languageModel) { pair in
            TokenizedCompletion(index: pair.index, prompt: pair.prompt, completion: pair.chosen)
        }
    }

    func reward() throws -> Measurement {
        let objective = RewardObjective(loss: BradleyTerryLoss())
        return try steps("reward", of: objective, unit: "pairs", head: .score) { $0 }
    }

    func dpo() throws -> Measurement {
        let pairs = workload.batch(0, size: min(workload.pairs.count, (options.repeats + 1) * options.trainBatchSize))
        let loss = try options.loss.loss()
        let objective = DPOObjective(loss: loss, references: try references(loss.needs, pairs))
        let variants = loss.needs.variants?.count ?? 0
        var measurement = try steps(
            "dpo", of: objective, unit: "pairs", head: .languageModel, auxiliaryHead: DPOObjective.auxiliaryHead(loss)
        ) { $0.withVariants(variants) }
        measurement.loss = options.namesLoss ? loss.name : nil
        return measurement
    }

    /// What the loss asks of frozen models, each of them this one.
    private func references(_ needs: LossNeeds, _ pairs: [TokenizedPair]) throws -> [ReferencePair] {
        guard needs.references > 0 else { return [] }
        let (model, columns) = (try model(.languageModel, trainable: false), ReferenceColumns(needs))
        let rows = ResponseBatch.eachMicroBatch(of: pairs, maxTokens: options.maxTokensPerMicroBatch).flatMap {
            ReferenceRow.rows(of: $0, under: model, columns)
        }
        let table = try ReferenceTable(rows, of: pairs, columns)
        return (0..<needs.references).map { _ in ReferencePair(training: table) }
    }

    /// Optimizer steps as the trainer of offline stages makes them; each repeat is one, on a batch of its own.
    private func steps<Objective: OfflineObjective>(
        _ name: String, of objective: Objective, unit: String, head: DecoderHead,
        auxiliaryHead: AuxiliaryHead? = nil, _ example: (TokenizedPair) -> Objective.Example
    ) throws -> Measurement {
        let model = try model(head, auxiliaryHead: auxiliaryHead, trainable: true)
        var optimizer = OptimizerOptions(learningRate: 1e-6)
        optimizer.schedule = .constant
        let updater = ParameterUpdater(
            model.parameters, optimizer, totalSteps: options.repeats + 1, communicator: ranks, tracer: tracer)
        let pass = OfflinePass(
            model: model, objective: objective, workers: ranks, maxTokens: options.maxTokensPerMicroBatch,
            tracer: tracer)
        let flops = FLOPCount(specification, head: head)
        var values: [String: [Double]] = [:]
        var measurement = try measure(name, unit: unit, phases: .offline) { number in
            let batch = workload.batch(number, size: options.trainBatchSize).map(example)
            let sums = try pass.accumulateGradients(
                over: batch, of: pass.step(over: batch), backward: updater.backward
            ).metrics
            guard let update = try updater.step(at: number) else {
                throw RunError.notFinite(stage: name, step: number + 1, what: "the gradient", teller: 0)
            }
            for (name, value) in try sums.reduced(over: ranks).values.entries {
                values[name, default: []].append(value)
            }
            values["grad_norm", default: []].append(update.gradientNorm)
            let microBatches = pass.microBatches(of: batch)
            return (
                microBatches.reduce(0) { $0 + $1.indices.count }, microBatches.reduce(0) { $0 + flops.training($1) }
            )
        }
        measurement.values = values
        return measurement
    }
}

extension TokenizedPair {
    /// The pair with so many variants of each response, of which each leaves out more: all but the end at last.
    fileprivate func withVariants(_ count: Int) -> TokenizedPair {
        guard count > 0 else { return self }
        var pair = self
        pair.variants = responses.flatMap { response in
            (1...count).map { Array(response.suffix(max(1, response.count * (count - $0) / count))) }
        }
        return pair
    }
}

import Objectives
import PreferenceData
import Runs
import Stages
import TestSupport
import Testing
import Torch
import Training
import Transformers

@Suite("The head of SPO's degrees")
struct DegreeHeadTests {
    private let model: DecoderModel

    init() throws {
        model = try ModelDirectory(TestSupport.fixture("dpo/policy")).decoder(
            head: .languageModel, auxiliaryHead: AuxiliaryHead(name: "degree", outputs: 3), trainable: false)
        model.initializeAuxiliaryHead(seed: 3)
    }

    @Test("Reads the last token of each response and of each of its variants, whatever stands beside them")
    func rows() throws {
        let pairs = [
            TokenizedPair(
                index: 0, prompt: [1, 17, 44, 80], chosen: [33, 121, 2], rejected: [5, 9, 8, 7, 2],
                variants: [[121, 2], [2], [9, 8, 2], [9, 2]]),
            TokenizedPair(
                index: 1, prompt: [1, 90], chosen: [60, 61, 62, 63, 64, 2], rejected: [70, 2],
                variants: [[], [62, 63, 2], [], []]),
        ]
        // Of the second pair the chosen response has degrees 0 and 2, the rejected one none.
        let expected =
            try crossEntropy(pairs[0], chosen: [0, 1, 2], rejected: [0, 1, 2])
            + crossEntropy(pairs[1], chosen: [0, 2], rejected: [])
        #expect(abs(try value("spo", pairs) - value("sigmoid", pairs) - 0.1 * expected / 2) < 1e-5)
        #expect(abs(try value("spo", pairs.reversed()) - value("spo", pairs)) < 1e-5)
        let metrics = withoutGradients { term("spo", pairs).metrics }
        #expect(metrics.degrees == 8)
    }

    private func term(_ name: String, _ pairs: [TokenizedPair]) -> LossTerm<DPOMetrics> {
        var choice = LossChoice()
        choice.types = [name]
        choice.settings[KeywordDegreeOptions.self].degrees = name == "spo" ? 2 : 3
        guard let loss = try? choice.loss() else { preconditionFailure("no loss \(name)") }
        let table = ReferenceTable(pairs.map { ($0.index, ReferenceLogps(chosen: -5, rejected: -6)) })
        let objective = DPOObjective(loss: loss, reference: table)
        let examples = name == "spo" ? pairs : pairs.map(\.withoutVariants)
        return objective.loss(model, ResponseBatch(examples), of: OfflineStep(weights: [pairs.count]))
    }

    private func value(_ name: String, _ pairs: [TokenizedPair]) throws -> Double {
        withoutGradients { term(name, pairs).value.item() }
    }

    /// Of each sequence run by itself.
    private func crossEntropy(_ pair: TokenizedPair, chosen: [Int], rejected: [Int]) throws -> Double {
        let weight = model.parameters["auxiliary.degree.weight"]
        return withoutGradients {
            [(pair.chosen, pair.variants.prefix(2), chosen), (pair.rejected, pair.variants.suffix(2), rejected)].reduce(
                0
            ) {
                sum, side in
                let sequences = [side.0] + side.1
                let losses = side.2.map { degree -> Double in
                    let batch = ResponseBatch([
                        TokenizedCompletion(index: 0, prompt: pair.prompt, completion: sequences[degree])
                    ])
                    let logits = model.hiddenStates(batch.rows, at: batch.lastRows).linear(weight)
                    return -logits.logSoftmax(1).doubles()[degree]
                }
                return losses.isEmpty ? sum : sum + losses.reduce(0, +) / Double(losses.count)
            }
        }
    }
}

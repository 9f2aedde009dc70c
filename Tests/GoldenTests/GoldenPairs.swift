import JSON
import Objectives
import Torch

/// The pairs of a golden file as a loss sees them, in float64, with what it leaves as gradient.
struct GoldenPairs {
    let batch: PairBatch
    private let group: ParameterGroup
    private let chosenCounts: [Int]
    private let rejectedCounts: [Int]
    private let kinds: [PairKind]

    /// - Parameters:
    ///   - rows: Which of the pairs; all where `nil`.
    ///   - origins: Where each of the pairs comes from.
    init(
        _ pairs: [JSON], rows: [Int]? = nil, origins: [PairOrigin]? = nil, vocabularySize: Int, references: Int,
        _ placement: Placement = .float64
    ) {
        let origins = rows.flatMap { rows in origins.map { origins in rows.map { origins[$0] } } } ?? origins
        let pairs = rows.map { $0.map { pairs[$0] } } ?? pairs
        let column = { (key: String) in
            pairs.flatMap { pair in ["chosen", "rejected"].flatMap { pair[$0]?[key]?.numbers ?? [] } }
        }
        let lengths = { (side: String) in pairs.map { $0[side]?["logps"]?.numbers.count ?? 0 } }
        let (chosen, rejected) = (lengths("chosen"), lengths("rejected"))
        (chosenCounts, rejectedCounts) = (chosen, rejected)
        let responses = pairs.indices.flatMap { row in
            [Int](repeating: 2 * row, count: chosen[row]) + [Int](repeating: 2 * row + 1, count: rejected[row])
        }
        let logps = column("logps")
        group = ParameterGroup(
            "golden", [ParameterGroup.Declaration(name: "logps", shape: [logps.count], decays: false)], trainable: true,
            placement)
        let policy = group["logps"]
        withoutGradients { policy.copy(from: Tensor(logps)) }
        let tensor = { (numbers: [Double]) in Tensor(numbers).placed(placement) }
        let made = { (logps: Tensor) in
            PairLogps(
                TokenLogps(logps: logps, statistics: .zeros([responses.count, 3], placement)), responses: responses,
                pairCount: pairs.count)
        }
        // Rewards less their values, for a value of 0.
        let advantage = { (side: String) in
            tensor(pairs.map { ($0["aux_\(side)"]?.double ?? 0) - ($0["aux_value_\(side)"]?.double ?? 0) })
        }
        var columns = PairBatch.Columns(
            logSumSquares: tensor(column("log_sum_sq_probs")), referenceEntropies: [tensor(column("ref_entropies"))],
            mask: tensor(column("diff_mask")), vocabularySize: vocabularySize,
            rewards: PairNumbers(chosen: advantage("chosen"), rejected: advantage("rejected")))
        columns.origins = origins
        batch = PairBatch(
            policy: made(policy),
            references: ["ref_logps", "ref2_logps"].prefix(references).map { made(tensor(column($0))) },
            indices: rows, columns: columns)
        kinds = batch.kinds
    }

    /// The loss and its gradient of each chosen and each rejected token.
    ///
    /// - Parameter isSum: Whether it is summed over pairs in place of their mean.
    func evaluate(
        _ loss: PreferenceLoss, state: [Double]? = nil, isSum: Bool = false
    ) -> (loss: Double, chosen: [Double], rejected: [Double]) {
        var batch = batch
        if loss.needs.wholeStep {
            batch = batch.with(step: StepPairs(indices: batch.indices, terms: loss.scores(of: batch, state: state)))
        }
        let counts = zip(chosenCounts, rejectedCounts)
        let weights = loss.denominators.map { denominator in
            zip(counts, kinds).reduce(0) {
                $0 + denominator.weight(chosen: $1.0.0, rejected: $1.0.1, kind: $1.1)
            }
        }
        let term = loss(batch, stepWeights: isSum ? weights.map { _ in 1 } : weights, state: state)
        term.value.backward()
        let gradients = Array(
            (group.gradients?.doubles() ?? []).prefix(chosenCounts.reduce(0, +) + rejectedCounts.reduce(0, +)))
        var (chosen, rejected): ([Double], [Double]) = ([], [])
        var start = 0
        for (own, other) in counts {
            chosen += gradients[start..<start + own]
            rejected += gradients[start + own..<start + own + other]
            start += own + other
        }
        return (term.value.item(), chosen, rejected)
    }
}

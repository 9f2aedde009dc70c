import Torch

/// What routers of experts did with rows, over all layers together: how often each expert was chosen, and how likely they held it.
package struct RouterLoad: Sendable, Equatable {
    /// How many rows chose each expert.
    package private(set) var choices: [Double]
    /// The probabilities of each expert, added up over rows.
    package private(set) var probabilities: [Double]
    /// The rows, once for each layer.
    package private(set) var rows = 0.0

    /// Of no row.
    package init(experts: Int) {
        choices = Array(repeating: 0, count: experts)
        probabilities = choices
    }

    /// The load-balancing loss (Fedus et al., Switch Transformers, arXiv 2101.03961, equations 4 to 6): with E experts, the share of rows
    /// f that choose one and its mean probability P, `E Σ f P`.
    ///
    /// As in transformers' `load_balancing_loss_func`, f and P are taken over all layers together.
    package var loss: Double {
        guard rows > 0 else { return 0 }
        return Double(choices.count) * zip(choices, probabilities).map { ($0 / rows) * ($1 / rows) }.reduce(0, +)
    }

    /// How the loss rises with each expert's probability for one row; choices have no gradient.
    package var slopes: [Double] {
        choices.map { rows > 0 ? Double(choices.count) * $0 / (rows * rows) : 0 }
    }

    /// The busiest expert's share of all choices: one over the number of experts where they are balanced.
    package var largestShare: Double {
        let all = choices.reduce(0, +)
        return all > 0 ? (choices.max() ?? 0) / all : 0
    }

    /// The load of two parts of a batch together.
    package static func + (left: RouterLoad, right: RouterLoad) -> RouterLoad {
        var copy = left
        copy.sums = zip(left.sums, right.sums).map(+)
        return copy
    }

    /// What adds up over parts of a batch.
    package var sums: [Double] {
        get { choices + probabilities + [rows] }
        set {
            precondition(newValue.count == 2 * choices.count + 1, "\(newValue.count) sums of \(choices.count) experts")
            let values = newValue.dropLast()
            (choices, probabilities) = (Array(values.prefix(choices.count)), Array(values.suffix(choices.count)))
            rows = newValue[newValue.count - 1]
        }
    }

    /// Adds one layer's rows, each as often as `weights` says.
    fileprivate mutating func add(_ probabilities: [Float], chosen: [Int32], weights: [Float]) {
        let (experts, perToken) = (choices.count, chosen.count / max(1, weights.count))
        for (row, weight) in weights.lazy.map(Double.init).enumerated() {
            for index in 0..<experts {
                self.probabilities[index] += weight * Double(probabilities[row * experts + index])
            }
            for expert in chosen[row * perToken..<(row + 1) * perToken] { choices[Int(expert)] += weight }
            rows += weight
        }
    }
}

/// Watches the routers of a model's passes, and moves them where a loss of their load is asked for.
package final class RouterRecord {
    /// What they did so far.
    package fileprivate(set) var load: RouterLoad
    /// Added to the gradient of each expert's probability, for every row; `nil` for nothing.
    fileprivate let gradient: [Double]?

    package init(experts: Int, gradient: [Double]? = nil) {
        load = RouterLoad(experts: experts)
        self.gradient = gradient
    }
}

/// The rows of one pass, as a record counts them.
struct RoutedRows {
    let record: RouterRecord
    /// How many sequences each row is part of.
    let weights: [Float]
    /// Whether this is the first time that the pass computes them.
    var isFirst = true

    /// Counts what one layer's router does, and gives its probabilities `[rows, experts]`, whose gradient has the part that the record
    /// asks for: so no graph of the loss is kept, and activations may be computed anew.
    func watched(_ probabilities: Tensor, _ values: [Float], chosen: [Int32]) -> Tensor {
        precondition(
            probabilities.shape[0] == weights.count, "a router of \(probabilities.shape) for \(weights.count) rows")
        if isFirst { record.load.add(values, chosen: chosen, weights: weights) }
        guard let gradient = record.gradient else { return probabilities }
        let added = weights.flatMap { weight in gradient.map { Float(Double(weight) * $0) } }
        return probabilities.addingGradient(
            Tensor(added, shape: [weights.count, gradient.count], on: probabilities.device))
    }
}

extension PackedRows {
    /// How many sequences each row is part of: one of a shared prompt is part of all that go on from it.
    var sequenceCounts: [Float] {
        var counts = [Float](repeating: 0, count: count)
        let prefixes = segments.map(\.prefix).filter { !$0.isEmpty }
        for segment in segments where !prefixes.contains(where: { $0.overlaps(segment.rows) }) {
            for row in [segment.prefix, segment.rows].joined() { counts[row] += 1 }
        }
        return counts
    }
}

extension DecoderSpecification {
    /// How many experts its layers have; `nil` for a dense model.
    package var expertCount: Int? { layers.lazy.compactMap(\.feedForward.experts?.count).first }
}

import Torch

/// The network of each row by itself.
enum FeedForwardNetwork {
    case dense(DenseNetwork)
    case experts(ExpertNetwork)

    func callAsFunction(_ hidden: Tensor, _ routing: RoutedRows?, _ dropout: LowRankDropout?) -> Tensor {
        switch self {
        case .dense(let network): network(hidden, dropout)
        case .experts(let network): network(hidden, routing, dropout)
        }
    }
}

/// A projection up, an activation, and a projection down.
struct DenseNetwork {
    let specification: LayerSpecification.FeedForward
    /// The activated projection of a gated network, where it has a matrix of its own.
    let gate: Linear?
    let up: Linear
    let down: Linear

    func callAsFunction(_ hidden: Tensor, _ dropout: LowRankDropout?) -> Tensor {
        let down = { (input: Tensor) in self.down(input, dropout) }
        let (activation, width) = (specification.activation, specification.width)
        let upper = up(hidden, dropout)
        guard specification.isGated else { return down(activation(upper)) }
        let halves: (gate: Tensor, up: Tensor)
        switch specification.halves {
        case .separate: halves = (gate?(hidden, dropout) ?? upper, upper)
        case .stacked: halves = (upper.narrowed(1, 0..<width), upper.narrowed(1, width..<2 * width))
        case .interleaved:
            let pairs = upper.reshaped([-1, width, 2])
            let half = { (index: Int) in pairs.narrowed(2, index..<index + 1).reshaped([-1, width]) }
            halves = (half(0), half(1))
        }
        return switch activation {
        case .silu: down(halves.gate.siluGate(halves.up))
        case .geluTanh: down(halves.gate.geluGate(halves.up))
        case .gelu, .relu: down(activation(halves.gate) * halves.up)
        case .clampedSwish(_, let limit): down(activation(halves.gate) * (halves.up.clamped(-limit, limit) + 1))
        }
    }
}

/// Networks of which a router chooses some for each row (Mixtral, Jiang et al., arXiv 2401.04088, 2.1).
///
/// Rows of one expert go through it together; what a row gets does not depend on the rows beside it.
struct ExpertNetwork {
    let specification: LayerSpecification.Experts
    let router: Linear
    let experts: [DenseNetwork]

    func callAsFunction(_ hidden: Tensor, _ routing: RoutedRows?, _ dropout: LowRankDropout?) -> Tensor {
        guard hidden.shape[0] > 0 else { return hidden }
        var probabilities = router(hidden, dropout).converted(to: .float32).softmax(1)
        let values = probabilities.placed(.float32).floats()
        let routes = Routes(values, specification)
        if let routing { probabilities = routing.watched(probabilities, values, chosen: routes.chosen) }
        let device = hidden.device
        func indices(_ list: [Int32]) -> Tensor { Tensor(indices: list, on: device) }
        let outputs = Tensor.concatenated(
            routes.rowsOfExpert.enumerated().filter { !$1.isEmpty }.map { expert, rows in
                let rows = indices(rows)
                return experts[expert](hidden.selecting(rows), dropout?.selecting(rows))
            })
        // Back to rows: of each the outputs of its experts, side by side.
        let ofRows = outputs.selecting(indices(routes.places))
            .reshaped([-1, specification.perToken, hidden.shape[1]])
        var weights = probabilities.gathered(1, indices(routes.chosen).reshaped([-1, specification.perToken]))
        if specification.normalizes { weights = weights / weights.sum(1, keepingDimension: true) }
        return (ofRows * weights.converted(to: hidden.type).unsqueezed(2)).sum(1)
    }
}

/// Which experts rows go through.
private struct Routes {
    /// The experts of each row, the likeliest first, `[rows x experts a token]`.
    var chosen: [Int32] = []
    /// The rows of each expert, in order.
    var rowsOfExpert: [[Int32]]
    /// Where the output of each of ``chosen`` lies among all outputs, expert by expert.
    var places: [Int32]

    init(_ probabilities: [Float], _ experts: LayerSpecification.Experts) {
        rowsOfExpert = Array(repeating: [], count: experts.count)
        var order: [(expert: Int, place: Int)] = []
        for row in 0..<probabilities.count / experts.count {
            let own = probabilities[row * experts.count..<(row + 1) * experts.count]
            for (index, _) in Self.largest(own, experts.perToken) {
                chosen.append(Int32(index))
                order.append((index, rowsOfExpert[index].count))
                rowsOfExpert[index].append(Int32(row))
            }
        }
        var starts: [Int] = []
        for rows in rowsOfExpert { starts.append((starts.last ?? 0) + rows.count) }
        places = order.map { Int32(($0.expert == 0 ? 0 : starts[$0.expert - 1]) + $0.place) }
    }

    /// The largest, and of equal ones those that come first.
    private static func largest(_ values: ArraySlice<Float>, _ count: Int) -> [(index: Int, value: Float)] {
        var best: [(index: Int, value: Float)] = []
        for (index, value) in values.enumerated() {
            guard best.count < count || value > best[best.count - 1].value else { continue }
            best.insert((index, value), at: best.firstIndex { $0.value < value } ?? best.count)
            if best.count > count { best.removeLast() }
        }
        return best
    }
}

import Foundation
import PreferenceData

/// How long the parts of examples are, in tokens.
struct LengthTable {
    private var parts: [(name: String, lengths: [Int])]

    /// - Parameter names: What the responses of an example are called, in order.
    init(_ examples: [some PackableExample], names: [String]) {
        parts = [("prompt", examples.map(\.prompt.count))]
        for (index, name) in names.enumerated() {
            parts.append((name, examples.map { $0.responses[index].count }))
        }
        let learned = examples.map(\.predictedCount)
        if learned != examples.map({ $0.responses.reduce(0) { $0 + $1.count } }), learned.contains(where: { $0 > 0 }) {
            parts.append(("learned", learned))
        }
    }

    /// The table: least, quantiles, most and mean of each part.
    func render() -> String {
        var table = TextTable(["tokens", "least", "median", "90 %", "99 %", "most", "mean"])
        for (name, lengths) in parts where !lengths.isEmpty {
            let sorted = lengths.sorted()
            let quantiles = [0, 0.5, 0.9, 0.99, 1].map { share in
                String(sorted[Int((Double(sorted.count - 1) * share).rounded())])
            }
            let mean = Double(sorted.reduce(0, +)) / Double(sorted.count)
            table.add([name] + quantiles + [String(format: "%.1f", mean)])
        }
        return table.render()
    }
}

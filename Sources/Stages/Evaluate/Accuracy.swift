import PreferenceData
import Runs
import Training

/// How often a policy is right: one response at a time, by the vote of several, and with the best of several.
package struct Accuracy: Codable, Equatable {
    /// A share of the prompts.
    package struct Rate: Codable, Equatable {
        package var rate: Double
        /// Its ``WilsonInterval``, each prompt a draw.
        package var low: Double
        package var high: Double

        init(_ values: [Double]) {
            rate = values.mean
            let interval = WilsonInterval(rate: rate, count: values.count)
            (low, high) = (interval.low, interval.high)
        }
    }

    /// `maj@1`, the share of right responses, which is that of greedy ones at temperature 0; of k responses a prompt also `maj@k`,
    /// whether the answer that most of them give is right, and `pass@j` for powers of two up to k and k.
    package let rates: [String: Rate]

    /// - Parameters:
    ///   - samples: Responses of one policy, sorted by prompt and sample, as many to each.
    ///   - threshold: The score from which a response is right.
    ///   - answer: What of a response is its answer; responses with the same one agree.
    package init(_ samples: [SampledResponse], threshold: Double, answer: ResponseAnswer) {
        let prompts = samples.grouped(by: \.index)
        let right = prompts.map { $0.map { $0.score >= threshold } }
        let shares = right.map { $0.map { $0 ? 1 : 0 }.mean }
        var rates = ["maj@1": Rate(shares)]
        let count = prompts.first?.count ?? 0
        if count > 1 {
            // The first of a group speaks for it: those that agree in a rule's answer are all right, or none is.
            let votes = zip(prompts, right).map { responses, right in
                AgreeingSamples(responses.map { answer($0.text) }).largest.first.map { right[$0] ? 1.0 : 0 } ?? 0
            }
            rates["maj@\(count)"] = Rate(votes)
        }
        for tries in Self.tries(upTo: count) {
            rates["pass@\(tries)"] = Rate(
                right.map { Self.passRate(of: $0.count, right: $0.count { $0 }, tries: tries) })
        }
        self.rates = rates
    }

    package init(from decoder: any Decoder) throws {
        rates = try decoder.singleValueContainer().decode([String: Rate].self)
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(rates)
    }

    /// The rates' names in the order of a table.
    package var names: [String] { rates.keys.sorted { Self.rank($0) < Self.rank($1) } }

    /// The probability that one of k responses at least is right, from n of which c are: 1 - C(n-c, k) / C(n, k), without bias (Chen
    /// et al., arXiv 2107.03374).
    package static func passRate(of count: Int, right: Int, tries: Int) -> Double {
        guard count - right >= tries else { return 1 }
        var missed = 1.0
        for number in (count - right)..<count { missed *= 1 - Double(tries) / Double(number + 1) }
        return 1 - missed
    }

    private static func tries(upTo count: Int) -> [Int] {
        guard count > 1 else { return [] }
        return sequence(first: 2) { $0 * 2 }.prefix { $0 < count } + [count]
    }

    private static func rank(_ name: String) -> (String, Int) {
        let parts = name.split(separator: "@")
        return (String(parts[0]), parts.last.flatMap { Int($0) } ?? 0)
    }
}

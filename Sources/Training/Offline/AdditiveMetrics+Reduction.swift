import MPI
import Objectives
import Runs

extension AdditiveMetrics {
    /// The figures of all ranks together.
    package func reduced(over communicator: Communicator) throws -> Self {
        var result = self
        result.sums = try communicator.allReduce(sums, .sum)
        if !maxima.isEmpty { result.maxima = try communicator.allReduce(maxima, .max) }
        return result
    }

    /// The report in a stable order: `loss` first, then by name.
    package var values: MetricValues {
        var values: MetricValues = [:]
        for (name, value) in report.sorted(by: {
            ($0.key != "loss" ? 1 : 0, $0.key) < ($1.key != "loss" ? 1 : 0, $1.key)
        }) {
            values[name] = value
        }
        return values
    }
}

import MPI
import PreferenceData
import Runs
import Torch
import Transformers

extension DecoderModel {
    /// Runs passes of the model, and says what its routers did; nothing of a dense model.
    ///
    /// - Parameter gradient: Added to the gradient of each expert's probability, for every row.
    package func watchingRouters<Result>(
        adding gradient: [Double]? = nil, _ body: () throws -> Result
    ) rethrows -> (Result, RouterLoad?) {
        guard let experts = specification.expertCount else { return (try body(), nil) }
        let record = RouterRecord(experts: experts, gradient: gradient)
        routing = record
        defer { routing = nil }
        return (try body(), record.load)
    }

    /// What the routers do with all rows of some micro-batches, by a pass without gradient.
    package func routerLoad(of microBatches: [ResponseBatch]) -> RouterLoad? {
        watchingRouters {
            withoutGradients {
                for batch in microBatches { _ = hiddenStates(batch.rows, at: []) }
            }
        }.1
    }
}

extension RouterLoad {
    /// What is told of it.
    package var metrics: MetricValues { ["aux_loss": loss, "router/largest_share": largestShare] }

    /// The load over all ranks.
    package func reduced(over communicator: Communicator) throws -> RouterLoad {
        var copy = self
        copy.sums = try communicator.allReduce(sums, .sum)
        return copy
    }
}

import Torch

/// What a loss gives for one micro-batch.
///
/// `value` is the sum over the micro-batch's items divided by the number of items of the *whole* optimizer step, so
/// values and gradients of micro-batches and ranks add up to those of the undivided batch, however it was divided.
public struct LossTerm<Metrics: AdditiveMetrics> {
    /// This micro-batch's share of the loss, a scalar with gradient.
    public let value: Tensor
    /// What the micro-batch adds to the step's metrics, still where it was computed.
    public let pending: PendingMetrics<Metrics>
    /// What it adds to the sums over the step that a running state moves by.
    package let observations: [Double]

    /// - Parameters:
    ///   - figures: Tensors that metrics are made of, whatever their shapes.
    ///   - metrics: From their elements, a list a tensor, to what the micro-batch adds.
    init(
        value: Tensor, figures: [Tensor], observations: [Double] = [], metrics: @escaping ([[Double]]) -> Metrics
    ) {
        (self.value, self.observations) = (value, observations)
        pending = PendingMetrics(figures: figures.map { $0.detached() }, metrics: metrics)
    }

    /// The same with another part of the loss.
    ///
    /// - Parameters:
    ///   - figure: A scalar that metrics are made of.
    ///   - note: Takes it in.
    package func adding(
        _ other: Tensor, figure: Tensor, _ note: @escaping (inout Metrics, Double) -> Void
    ) -> LossTerm {
        let (count, metrics) = (pending.figures.count, pending.metrics)
        return LossTerm(
            value: value + other, figures: pending.figures + [figure.reshaped([1])], observations: observations
        ) { numbers in
            var found = metrics(Array(numbers.prefix(count)))
            note(&found, numbers[count][0])
            return found
        }
    }

    /// What the micro-batch adds to the step's metrics.
    public var metrics: Metrics { .gathered([pending]) }
}

/// Figures of a micro-batch that are still where they were computed: on a device, to ask for each of them would hold up all
/// that is queued there.
public struct PendingMetrics<Metrics: AdditiveMetrics> {
    fileprivate let figures: [Tensor]
    fileprivate let metrics: ([[Double]]) -> Metrics
}

extension AdditiveMetrics {
    /// The metrics of several micro-batches, in order, whose figures come over in one transfer.
    public static func gathered(_ pending: [PendingMetrics<Self>]) -> Self {
        var numbers = Tensor.doubles(of: pending.flatMap(\.figures))[...]
        var sums = Self()
        for part in pending {
            sums.merge(part.metrics(Array(numbers.prefix(part.figures.count))))
            numbers = numbers.dropFirst(part.figures.count)
        }
        return sums
    }
}

extension Tensor {
    /// The elements as doubles, without what a backward pass knows of them.
    var numbers: [Double] { detached().doubles() }
}

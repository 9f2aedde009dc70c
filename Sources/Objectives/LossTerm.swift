import Torch

/// What a loss gives for one micro-batch.
///
/// `value` is the sum over the micro-batch's items divided by the number of items of the *whole* optimizer step, so
/// values and gradients of micro-batches and ranks add up to those of the undivided batch, however it was divided.
public struct LossTerm<Metrics: AdditiveMetrics> {
    /// This micro-batch's share of the loss, a scalar with gradient.
    public let value: Tensor
    /// What the micro-batch adds to the step's metrics.
    public let metrics: Metrics
    /// What it adds to the sums over the step that a running state moves by.
    package let observations: [Double]

    init(value: Tensor, metrics: Metrics, observations: [Double] = []) {
        (self.value, self.metrics, self.observations) = (value, metrics, observations)
    }
}

extension Tensor {
    /// The elements as doubles, without what a backward pass knows of them.
    var numbers: [Double] { detached().doubles() }
}

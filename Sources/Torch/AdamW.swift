import CTorch

/// AdamW (Loshchilov & Hutter 2019) over a flat parameter buffer, or a slice of it: two fused calls a step, with weight
/// decay and without.
public final class AdamW {
    /// The rule's constants; the learning rate comes with each step.
    public struct Options: Sendable, Equatable {
        /// Decay of the first moment.
        public var beta1: Double
        /// Decay of the second moment.
        public var beta2: Double
        /// Added to the root of the second moment.
        public var epsilon: Double
        /// Decoupled decay of matrices, times the learning rate a step.
        public var weightDecay: Double

        /// Constants of the rule.
        public init(beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-8, weightDecay: Double = 0) {
            self.beta1 = beta1
            self.beta2 = beta2
            self.epsilon = epsilon
            self.weightDecay = weightDecay
        }
    }

    /// The rule's constants.
    public let options: Options
    /// The elements of the buffer that it updates; others are left as they are.
    public let slice: Range<Int>
    /// Running mean of gradients, laid out as the slice of the parameters.
    public let firstMoments: Tensor
    /// Running mean of squared gradients, laid out as the slice of the parameters.
    public let secondMoments: Tensor
    /// Steps taken; set when a run is resumed.
    public var step = 0
    private let parameters: ParameterBuffer

    /// An optimizer for a trainable buffer, with moments of zero.
    ///
    /// - Parameter slice: the elements that it updates; `nil` for all. Updates are the same bits for any slicing.
    public init(_ parameters: ParameterBuffer, options: Options, slice: Range<Int>? = nil) {
        let slice = slice ?? 0..<parameters.count
        precondition(parameters.gradients != nil, "parameters that are not trainable have no optimizer")
        self.parameters = parameters
        self.options = options
        self.slice = slice
        firstMoments = .zeros([slice.count])
        secondMoments = .zeros([slice.count])
    }

    /// The length of the whole buffer.
    public var parameterCount: Int { parameters.count }

    /// One step down the gradients that lie in the buffer.
    public func update(learningRate: Double) {
        step += 1
        let decayed = parameters.decayedCount
        update(slice.clamped(to: 0..<decayed), learningRate: learningRate, weightDecay: options.weightDecay)
        update(slice.clamped(to: decayed..<parameters.count), learningRate: learningRate, weightDecay: 0)
    }

    private func update(_ range: Range<Int>, learningRate: Double, weightDecay: Double) {
        guard !range.isEmpty, let gradients = parameters.gradients else { return }
        let (values, slopes) = (parameters.values.narrowed(0, range), gradients.narrowed(0, range))
        let place = range.lowerBound - slice.lowerBound..<range.upperBound - slice.lowerBound
        let (first, second) = (firstMoments.narrowed(0, place), secondMoments.narrowed(0, place))
        perform("AdamW", values, slopes) {
            ct_adamw_step(
                values.handle, slopes.handle, first.handle, second.handle,
                ct_adamw(
                    learning_rate: learningRate, beta1: options.beta1, beta2: options.beta2, epsilon: options.epsilon,
                    weight_decay: weightDecay, step: Int64(step)))
        }
    }
}

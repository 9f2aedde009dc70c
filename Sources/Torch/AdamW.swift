import CTorch

/// AdamW (Loshchilov & Hutter 2019) over the trained groups of a store, or a slice of their elements: two fused calls a
/// group and step, with weight decay and without.
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
    /// The elements of the trained groups that it updates; others are left as they are.
    public let slice: Range<Int>
    /// Running mean of gradients, laid out as the slice of the trained groups, one after another.
    public let firstMoments: Tensor
    /// Running mean of squared gradients, laid out likewise.
    public let secondMoments: Tensor
    /// Steps taken; set when a run is resumed.
    public var step = 0
    private let parameters: ParameterStore

    /// An optimizer for what a store trains, with moments of zero.
    ///
    /// - Parameter slice: the elements that it updates; `nil` for all. Updates are the same bits for any slicing. Of parameters
    ///   that are rounded it is the slice of their ``ParameterStore/masters``.
    public init(_ parameters: ParameterStore, options: Options, slice: Range<Int>? = nil) {
        let slice = slice ?? 0..<parameters.trainedCount
        precondition(
            parameters.trained.allSatisfy { $0.takesGradients }, "parameters that are not trainable have no optimizer"
        )
        precondition(
            parameters.masters.map { $0.slice == slice }
                ?? parameters.trained.allSatisfy { $0.runs.count == 1 && $0.values.type == .float32 },
            "parameters that are rounded are updated without the numbers that they are rounded from")
        self.parameters = parameters
        self.options = options
        self.slice = slice
        let placement = Placement(.float32, on: parameters.trained.first?.device ?? .cpu)
        firstMoments = .zeros([slice.count], placement)
        secondMoments = .zeros([slice.count], placement)
    }

    /// How many elements the trained groups have.
    public var parameterCount: Int { parameters.trainedCount }

    /// One step down gradients.
    ///
    /// - Parameter gradients: of the slice, laid out as the moments; `nil` for those that lie in the store.
    public func update(learningRate: Double, gradients: Tensor? = nil) {
        step += 1
        var moment = 0
        for (group, elements) in parameters.parts(of: slice) {
            for (part, weightDecay) in [
                (0..<group.decayedCount, options.weightDecay), (group.decayedCount..<group.count, 0),
            ] {
                let part = elements.clamped(to: part)
                let moments = moment..<moment + part.count
                let slopes = gradients?.narrowed(0, moments) ?? group.gradients?.narrowed(0, part)
                update(group, part, slopes, moments: moments, learningRate, weightDecay)
                moment = moments.upperBound
            }
        }
    }

    private func update(
        _ group: ParameterGroup, _ elements: Range<Int>, _ slopes: Tensor?, moments: Range<Int>, _ learningRate: Double,
        _ weightDecay: Double
    ) {
        guard !elements.isEmpty else { return }
        guard let slopes else { preconditionFailure("gradients of \(group.name) are handed on, and none are given") }
        let masters = parameters.masters?.values.narrowed(0, moments)
        let values = masters ?? group.values.narrowed(0, elements)
        let (first, second) = (firstMoments.narrowed(0, moments), secondMoments.narrowed(0, moments))
        perform("AdamW", values, slopes) {
            ct_adamw_step(
                values.handle, slopes.handle, first.handle, second.handle,
                ct_adamw(
                    learning_rate: learningRate, beta1: options.beta1, beta2: options.beta2, epsilon: options.epsilon,
                    weight_decay: weightDecay, step: Int64(step)))
        }
        guard let masters else { return }
        for run in group.values(of: elements) {
            let start = elements.lowerBound
            run.values.copy(
                from: masters.narrowed(0, run.elements.lowerBound - start..<run.elements.upperBound - start))
        }
    }
}

import CTorch

/// How a process holds the weights of a model that is trained.
public enum WeightStorage: Sendable, Equatable {
    /// In float32.
    case wide
    /// Those that are rounded before they are used anyway in the type that the model computes in, whole; and of the float32
    /// numbers that all are rounded from a share, or none in a process that others train for.
    case rounded(masters: Share?)

    /// One of several parts of nearly one length.
    public struct Share: Sendable, Equatable {
        /// Which of them.
        public var index: Int
        /// How many there are.
        public var count: Int

        /// A part of several.
        public init(_ index: Int, of count: Int) {
            precondition((0..<count).contains(index), "share \(index) of \(count)")
            (self.index, self.count) = (index, count)
        }
    }

    /// Whether weights can be held rounded: their gradients are found in float32 all the same, which LibTorch does from 2.10 on.
    public static let canRound = ct_has_wide_gradients() != 0

    /// What is kept of the numbers that weights are rounded from.
    public var masters: Share? {
        guard case .rounded(let masters) = self else { return nil }
        return masters
    }
}

/// A share of the float32 numbers that a model's trained parameters are rounded from (master weights, Micikevicius et al.,
/// arXiv 1710.03740, 3.1). An optimizer steps on these: a step is smaller than what rounded numbers can tell.
public final class MasterWeights {
    /// The elements of the trained groups that they are.
    public let slice: Range<Int>
    /// The numbers, laid out as the slice.
    public let values: Tensor

    init(_ slice: Range<Int>, on device: Device) {
        self.slice = slice
        values = .zeros([slice.count], Placement(.float32, on: device))
    }

    /// Takes over those of a parameter's numbers that are of the slice.
    func take(_ numbers: Tensor, as elements: Range<Int>) {
        let met = elements.clamped(to: slice)
        guard !met.isEmpty else { return }
        values.narrowed(0, met.lowerBound - slice.lowerBound..<met.upperBound - slice.lowerBound).copy(
            from: numbers.detached().reshaped([-1]).narrowed(
                0, met.lowerBound - elements.lowerBound..<met.upperBound - elements.lowerBound))
    }
}

import Torch

/// A point on the line through the weights of two policies: θ_0 + t (θ_1 - θ_0), element by element.
///
/// What extrapolation, interpolation and the accelerated rounds of APO share; they differ in where they count from, and in
/// which two policies they take.
package struct WeightLine: Sendable, Equatable {
    /// t: 0 at θ_0, 1 at θ_1.
    package let position: Double

    private init(position: Double) { self.position = position }

    /// θ_1 + α (θ_1 - θ_0), which lies beyond θ_1 for α > 0.
    ///
    /// ExPO (arXiv 2404.16792) takes the policy before alignment for θ_0. APO (arXiv 2410.06293) takes the policies that two
    /// successive rounds have trained, neither of them extrapolated.
    package static func extrapolation(alpha: Double) -> WeightLine { WeightLine(position: 1 + alpha) }

    /// (1 - α) θ_0 + α θ_1, which lies between the two for α from 0 to 1.
    package static func interpolation(alpha: Double) -> WeightLine { WeightLine(position: alpha) }

    /// The weights there, in float64; at either end that policy's own, bit by bit, in their own type.
    ///
    /// Where both policies have the same number it stays that number, once it is rounded to the type it had.
    package func callAsFunction(from first: Tensor, to second: Tensor) -> Tensor {
        if position == 0 { return first }
        if position == 1 { return second }
        let start = first.converted(to: .float64)
        return start + position * (second.converted(to: .float64) - start)
    }
}

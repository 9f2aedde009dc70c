import Foundation
import Torch

/// What the multi-view information bottleneck adds to a reward model's loss (RLP-UML, arXiv 2403.19279, after arXiv 2002.07017):
/// `-I(z1; z2) + ½ [KL(N1 ‖ N2) + KL(N2 ‖ N1)]`, the encodings of two responses to a prompt being drawn from normal distributions
/// of independent components, which a critic is to tell from those of other prompts. The paper multiplies it by 0.5.
package enum MultiViewLoss {
    /// Normal distributions of independent components.
    package struct Gaussians {
        /// `[n, d]`.
        package let means: Tensor
        /// Standard deviations `[n, d]`.
        package let deviations: Tensor

        package init(means: Tensor, deviations: Tensor) {
            precondition(
                means.shape == deviations.shape && means.rank == 2, "means \(means.shape), \(deviations.shape)")
            (self.means, self.deviations) = (means, deviations)
        }
    }

    /// The loss, a scalar.
    ///
    /// - Parameters:
    ///   - joint: What the critic says of encodings that belong together.
    ///   - marginal: What it says of those of different prompts.
    package static func loss(_ first: Gaussians, _ second: Gaussians, joint: Tensor, marginal: Tensor) -> Tensor {
        symmetricKL(first, second) - mutualInformation(joint: joint, marginal: marginal)
    }

    /// `½ [KL(N1 ‖ N2) + KL(N2 ‖ N1)]`, a mean over the `n` of each.
    package static func symmetricKL(_ first: Gaussians, _ second: Gaussians) -> Tensor {
        // The logarithms of both directions cancel.
        let (one, other) = (first.deviations.square(), second.deviations.square())
        let distance = (first.means - second.means).square()
        let terms = (one + distance) / other + (other + distance) / one - 2
        return terms.sum() * (0.25 / Double(first.means.shape[0]))
    }

    /// Jensen and Shannon's bound of the mutual information: `mean(log 2 - softplus(-T)) - mean(softplus(T) - log 2)`, the first
    /// over what belongs together and the second over what does not.
    package static func mutualInformation(joint: Tensor, marginal: Tensor) -> Tensor {
        // softplus(x) = -log σ(-x).
        joint.logSigmoid().mean() + (-marginal).logSigmoid().mean() + 2 * log(2)
    }
}

import Torch

/// Diffusion-DPO (arXiv 2311.12908): `-log σ(-(β/2) [(ℓ_c - ℓ_r) - (ℓref_c - ℓref_r)])`, `ℓ` being the mean squared error of a
/// model's prediction of the noise in the chosen or the rejected image, at one time and with one noise for both.
///
/// A formula with its golden values: no diffusion model is trained here.
package struct DiffusionDPOLoss: Sendable, Equatable {
    /// Strength of the tie to the reference; its authors have 5000, as errors are small.
    package var beta: Double

    package init(beta: Double = 5000) { self.beta = beta }

    /// Predictions of noise for both images of `n` pairs.
    package struct Predictions {
        /// `[n, elements]`.
        package let chosen: Tensor
        /// `[n, elements]`.
        package let rejected: Tensor

        package init(chosen: Tensor, rejected: Tensor) {
            precondition(
                chosen.shape == rejected.shape && chosen.rank == 2, "predictions \(chosen.shape), \(rejected.shape)")
            (self.chosen, self.rejected) = (chosen, rejected)
        }

        /// By how much the chosen image's noise is predicted worse, `[n]`.
        fileprivate func excess(_ noise: Tensor) -> Tensor {
            (chosen - noise).square().mean(1) - (rejected - noise).square().mean(1)
        }
    }

    /// The losses `[n]`, one a pair.
    ///
    /// - Parameters:
    ///   - policy: With gradient.
    ///   - reference: The frozen model's, of the same images.
    ///   - noise: What was added to both images, `[n, elements]`.
    package func callAsFunction(_ policy: Predictions, reference: Predictions, noise: Tensor) -> Tensor {
        let excess = policy.excess(noise) - withoutGradients { reference.excess(noise) }
        return -(excess * (-beta / 2)).logSigmoid()
    }
}

import Configuration
import Runs
import Torch

/// AdamW, its schedule and gradient clipping.
package struct OptimizerOptions: Sendable, Equatable {
    /// The peak learning rate.
    package var learningRate: Double
    /// Decoupled weight decay.
    package var weightDecay = 0.0
    /// Decay rate of the first moment.
    package var adamBeta1 = 0.9
    /// Decay rate of the second moment.
    package var adamBeta2 = 0.999
    /// Added to the root of the second moment.
    package var adamEpsilon = 1e-8
    /// The norm that gradients are scaled down to; 0 leaves them.
    package var maxGradNorm = 1.0
    /// The course of the learning rate after warm-up.
    package var schedule: LearningRateSchedule.Decay = .linear
    /// The share of the steps over which the learning rate rises from 0.
    package var warmupRatio = 0.0
    /// The number of such steps; 0 leaves it to the ratio.
    package var warmupSteps = 0
    /// What happens to a step whose loss or gradient is not finite.
    package var onNonFinite = NonFinitePolicy.stop
    /// 1 divides the moments over the learners, 2 the gradients too (stages of ZeRO, Rajbhandari et al. 2020), and the weights
    /// that others are rounded from; 0 keeps them on each.
    package var zero = 0

    /// Defaults with this learning rate.
    package init(learningRate: Double = 1e-6, adamEpsilon: Double = 1e-8) {
        self.learningRate = learningRate
        self.adamEpsilon = adamEpsilon
    }

    /// How many of `steps` are warm-up.
    package func warmup(of steps: Int) -> Int {
        warmupSteps > 0 ? min(warmupSteps, steps) : Int(min(0x1p53, (warmupRatio * Double(steps)).rounded(.up)))
    }

    /// What to tell where warm-up takes all of `steps`: the rate then never comes to its peak.
    package func warmupNote(steps: Int, _ unit: String) -> String? {
        let warmup = warmup(of: steps)
        guard warmup >= steps, warmup > 0 else { return nil }
        let asked = warmupSteps > 0 ? "warmup_steps \(warmupSteps)" : "warmup_ratio \(warmupRatio)"
        return
            "\(asked) covers all \(steps) \(unit) of the stage: the learning rate rises to the end and never gets to "
            + "\(learningRate)"
    }

    package func check(_ scope: StageScope) throws {
        guard warmupSteps == 0 || warmupRatio == 0 else {
            throw scope.error("warmup_steps", "given together with warmup_ratio", "keep one of the two")
        }
    }
}

extension OptimizerOptions: KeyedOptions {
    package init() { self.init(learningRate: 1e-6) }

    package static let fields = Field<Self>.list {
        Field("learning_rate", \.learningRate, .atLeast(0), "Peak learning rate of AdamW.")
        Field("weight_decay", \.weightDecay, .atLeast(0), "Decoupled weight decay; not on biases and norms.")
        Field("adam_beta1", \.adamBeta1, .belowOne, "Decay rate of the first moment.")
        Field("adam_beta2", \.adamBeta2, .belowOne, "Decay rate of the second moment.")
        Field("adam_epsilon", \.adamEpsilon, .greaterThan(0), "Added to the root of the second moment.")
        Field(
            "max_grad_norm", \.maxGradNorm, .atLeast(0), "Global norm that gradients are clipped to; 0 for no clipping."
        )
        Field("lr_scheduler_type", \.schedule, "Course of the learning rate after warm-up.")
        Field("warmup_ratio", \.warmupRatio, .between(0, 1), "Share of the steps with a rising learning rate.")
        Field("warmup_steps", \.warmupSteps, .atLeast(0), "Number of such steps, in place of the ratio.")
        Field(
            "on_non_finite", \.onNonFinite, effect: .loosening(from: NonFinitePolicy.stop.rawValue),
            "What happens where a loss or gradient is NaN or infinite: the run ends, or that step changes nothing.")
        Field(
            "zero", \.zero, .between(0, 2), effect: .roundingBeyond(["0", "1"]),
            "1 divides AdamW's moments over the learners, to save memory, with the same result; 2 gradients too, summed in "
                + "another order, and with dtype: bfloat16 weights, of which each holds a rounded copy; 0 keeps all on each."
        )
    }
}

extension LearningRateSchedule.Decay: ConfigurationWord {}

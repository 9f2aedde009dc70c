import Configuration
import Runs
import Torch
import Transformers

/// A reference that follows the policy: every so many steps it moves a part of the way (TR-DPO, arXiv 2404.09656), by TRL's keys.
package struct ReferenceSync: Sendable, Equatable {
    /// Whether it does.
    package var isOn = false
    /// The share of the way that it moves.
    package var alpha = 0.6
    /// Steps from one move to the next.
    package var steps = 512

    /// What the reference is called in checkpoints.
    package static let part = "reference"

    package init() {}

    /// Moves the reference where a move is due after `done` steps, towards the policy as it computes: by its rounded weights where
    /// it has such, which samplers have too.
    package func follow(_ policy: DecoderModel, with reference: DecoderModel, afterStep done: Int) {
        guard isOn, done.isMultiple(of: steps) else { return }
        withoutGradients {
            for (own, other) in zip(reference.parameters.groups, policy.parameters.groups) {
                precondition(own.entries == other.entries, "policy and reference differ in shape")
                for run in other.runs {
                    let values = own.values.narrowed(0, run.elements)
                    values.copy(from: values * (1 - alpha) + run.values.converted(to: .float32) * alpha)
                }
            }
        }
    }

    /// Refuses what means nothing.
    ///
    /// - Parameters:
    ///   - reads: How many references the stage reads.
    ///   - adapter: What the stage trains of the policy.
    /// - Throws: ``ConfigurationError``
    package func check(_ scope: StageScope, reads: Int, _ adapter: AdapterOptions) throws {
        if isOn, adapter.usesAdapter {
            throw scope.error(
                "sync_ref_model", "moves all weights of a reference, and with use_peft they are frozen",
                "leave one of the two out")
        }
        let standard = Self()
        if !isOn, alpha != standard.alpha || steps != standard.steps {
            throw scope.error(
                alpha != standard.alpha ? "ref_model_mixup_alpha" : "ref_model_sync_steps",
                "has no meaning without sync_ref_model", "write sync_ref_model: true, or leave it out")
        }
        if isOn, reads != 1 {
            throw scope.error(
                "sync_ref_model",
                reads == 0 ? "has no reference to move" : "moves one reference, and there are \(reads)",
                "leave it out")
        }
    }
}

extension ReferenceSync: KeyedOptions {
    package static let fields = Field<Self>.list {
        Field("sync_ref_model", \.isOn, "Whether the reference follows the policy (TR-DPO).")
        Field(
            "ref_model_mixup_alpha", \.alpha, .aboveZero(upTo: 1),
            "Share of the policy in the reference at each move; the rest is the reference before.")
        Field("ref_model_sync_steps", \.steps, .atLeast(1), "Steps from one move to the next.")
    }
}

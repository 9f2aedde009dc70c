import Foundation
import PreferenceData
import Torch
import Transformers

/// Finds what each rank does and holds in a stage.
package struct StagePlanner {
    package let configuration: RunConfiguration
    package let ranks: Int
    package let counter: ExampleCounter
    /// What workers compute on unless their stage says that it is the CPU.
    private let device: Device

    package init(
        configuration: RunConfiguration, ranks: Int, counter: ExampleCounter, on device: Device = .cpu
    ) {
        (self.configuration, self.ranks, self.counter, self.device) = (configuration, ranks, counter, device)
    }

    /// Nothing yet, in the memory that a stage's models lie in.
    package func memory(of stage: StageConfiguration) -> MemoryEstimate {
        MemoryEstimate(stage.stage.compute?.placement(own: device) ?? .float32)
    }

    package var workerCount: Int { max(1, ranks - 1) }

    /// The shape of a model; one that a stage leaves has that of what the stage starts from.
    package func specification(of reference: ArtifactReference) throws -> DecoderSpecification {
        let origin = configuration.origin(ofModel: reference)
        return try ModelStore(RunPlan(configuration)).configuration(of: origin).specification
    }

    /// Prompts enter the cache in passes of some two thousand tokens.
    package func prefillRows(_ prompt: PromptOptions) -> Int { max(2048, prompt.maxPromptLength) }

    /// Most tokens of a pass: no more than a step's examples have where those are known, and at least one example, since one
    /// larger than a micro-batch has a pass of its own.
    package func rows(_ maxTokens: Int, longest: Int, examples: Int?, learners: Int = 1) -> Int {
        guard let examples else { return max(maxTokens, longest) }
        // Shares are even but for less than an example; with several learners the largest may have one more.
        let share = Double(examples) / Double(learners) + (learners > 1 ? 1 : 0)
        return max(longest, Int(min(Double(maxTokens), (share * Double(longest)).rounded(.up))))
    }

    /// All workers in one role.
    package func workers(_ name: String, _ memory: MemoryEstimate) -> [StageForecast.Role] {
        [StageForecast.Role(name: name, ranks: ranks(Array(0..<workerCount)), memory: memory)]
    }

    /// The ranks of neighbouring workers; a process alone is rank zero and worker zero.
    package func ranks(_ workers: [Int]) -> ClosedRange<Int> {
        let first = ranks == 1 ? 0 : 1
        return first + (workers.first ?? 0)...first + (workers.last ?? 0)
    }
}

extension ExampleCount? {
    /// The examples, where they are counted and not estimated.
    package var known: Int? { flatMap { $0.isEstimate ? nil : $0.examples } }

    /// A batch of `size`, or all examples where those are fewer.
    package func limiting(_ size: Int) -> Int { known.map { Swift.max(1, Swift.min(size, $0)) } ?? size }
}

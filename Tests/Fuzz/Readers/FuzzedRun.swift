import Foundation
import Runs
import Stages
import TestSupport
import Training

/// A run whose directory holds what is to be read.
enum FuzzedRun {
    /// A run of the stages that keep journals.
    static func plan(_ directory: URL) throws -> RunPlan {
        let pairs = TestSupport.fixture("commands/pairs.jsonl").path
        return RunPlan(
            try RunConfiguration(
                yaml: """
                    output_dir: "\(directory.path)"
                    model_name_or_path: "\(TestSupport.fixture("models/llama").path)"
                    random_init: true
                    dataset: {train: "\(pairs)", eval: "\(pairs)"}
                    stages: [split, sample, evaluate]
                    split: {reward: "rule:length:9", quantile: 0.5}
                    sample: {policy: base, reward: "rule:length:9"}
                    evaluate: {policies: [base, "\(TestSupport.fixture("models/mistral").path)"], judge: "rule:length:9", num_prompts: 3}
                    """, name: "run.yaml"))
    }

    /// What the run is as it starts now.
    static func identity(of plan: RunPlan, after state: RunState?) throws -> RunIdentity {
        let ranks = [1, 1, 2].map { Processor(threads: $0, cpu: "any") }
        let topology = Topology(plan.configuration, build: try build.get(), ranks: ranks)
        return try RunIdentity(plan, topology, after: state)
    }

    private static let build = Result { try BuildIdentity() }
}

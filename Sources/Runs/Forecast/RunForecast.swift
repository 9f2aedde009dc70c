import Foundation
import PreferenceData
import Transformers

/// What a run will do on so many ranks: who does what in which stage, how batches are divided, how many steps there are
/// where the data can be counted, and what memory and disk it takes.
///
/// It checks what a start would check, and reads configurations, tokenizers and data; of weights only the headers.
package struct RunForecast {
    /// The machines of a job.
    package struct Node: Sendable {
        /// Ranks that share the memory of a node; `nil` for all.
        package var ranks: Int?
        /// Its memory in bytes.
        package var memory: Int

        /// This machine, with what its memory or its container's limit is, for all ranks.
        package static var thisMachine: Node {
            let physical = Int(clamping: ProcessInfo.processInfo.physicalMemory)
            let limit = try? String(contentsOfFile: "/sys/fs/cgroup/memory.max", encoding: .utf8)
            let allowed = limit.flatMap { Int($0.filter(\.isNumber)) } ?? physical
            return Node(ranks: nil, memory: min(physical, allowed))
        }
    }

    package let configuration: RunConfiguration
    package let ranks: Int
    package let node: Node
    package let stages: [StageForecast]
    /// What each of them keeps in the run directory.
    package let disk: [DiskEstimate]

    /// Plans the run of `configuration` on `ranks` ranks.
    ///
    /// - Throws: what a start of the run would: ``ConfigurationError`` for files that are not there, ``RunError`` for
    ///   roles that cannot be placed, and what models, tokenizers, rewards and data are refused for.
    package init(
        _ configuration: RunConfiguration, ranks: Int, node: Node = .thisMachine
    ) throws {
        try Preflight(RunPlan(configuration), workerCount: max(1, ranks - 1), ranks: ranks)
            .check(readsData: false)
        self.configuration = configuration
        self.ranks = ranks
        self.node = node
        let planner = StagePlanner(
            configuration: configuration, ranks: ranks, counter: try ExampleCounter(configuration))
        stages = try configuration.stages.map { try $0.stage.forecast($0, planner) }
        disk = try zip(stages, stages.madeTables).map { try DiskEstimate($0, making: $1, planner) }
    }

    /// Checks that every stage fits the memory of its nodes.
    ///
    /// - Throws: ``RunError/other(_:)`` with the stage that needs most, and what to do about it.
    package func check() throws {
        let needs = stages.map { (stage: $0, bytes: bytesOnFullestNode(of: $0)) }
        guard let worst = needs.max(by: { $0.bytes < $1.bytes }), worst.bytes > node.memory else { return }
        let shared = min(ranks, node.ranks ?? ranks)
        let remedy = worst.stage.remedy(sharesNode: shared > 1)
        throw RunError.other(
            "\(worst.stage.configuration.name): \(shared == 1 ? "a rank needs" : "\(shared) ranks of a node need") "
                + "\(HumanFormat.bytes(worst.bytes)), but the node has \(HumanFormat.bytes(node.memory)); \(remedy)")
    }

    /// What the ranks of the node with the largest needs take together; ranks fill node after node.
    package func bytesOnFullestNode(of stage: StageForecast) -> Int {
        let needs = (0..<ranks).map { rank in
            stage.roles.filter { $0.ranks.contains(rank) }.map(\.memory.total).max() ?? MemoryEstimate.process
        }
        let size = min(ranks, node.ranks ?? ranks)
        return stride(from: 0, to: ranks, by: size).map { needs[$0..<min(ranks, $0 + size)].reduce(0, +) }.max() ?? 0
    }
}

extension StageForecast {
    /// What makes this stage smaller.
    fileprivate func remedy(sharesNode: Bool) -> String {
        let largest = roles.map(\.memory).max { $0.total < $1.total } ?? MemoryEstimate()
        let models = largest.weights + largest.gradients + largest.moments + largest.frozen
        let fewer = sharesNode ? "put fewer ranks on a node (--ranks-per-node here), or " : ""
        let name = configuration.name
        if largest.activations >= max(models, largest.cache) {
            return "\(fewer)lower \(name).max_tokens_per_micro_batch"
        }
        if largest.cache >= models { return "\(fewer)lower \(name).generation_batch_size or response_length" }
        return "\(fewer)take a smaller model"
    }
}

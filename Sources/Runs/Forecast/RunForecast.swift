import Foundation
import PreferenceData
import Torch
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
        /// Its cards; `nil` where workers compute on the CPU.
        package var cards: Cards?

        /// This machine, with what its memory or its container's limit is, for all ranks.
        package static var thisMachine: Node {
            let physical = Int(clamping: ProcessInfo.processInfo.physicalMemory)
            let limit = try? String(contentsOfFile: "/sys/fs/cgroup/memory.max", encoding: .utf8)
            let allowed = limit.flatMap { Int($0.filter(\.isNumber)) } ?? physical
            return Node(ranks: nil, memory: min(physical, allowed))
        }
    }

    /// The cards of a node.
    package struct Cards: Sendable {
        /// How many ranks share them; `nil` for one a rank.
        package var count: Int?
        /// The memory of one in bytes; `nil` where it is not known.
        package var memory: Int?

        package init(count: Int? = nil, memory: Int? = nil) { (self.count, self.memory) = (count, memory) }
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
            configuration: configuration, ranks: ranks, counter: try ExampleCounter(configuration),
            on: node.cards == nil ? .cpu : .cuda(0))
        stages = try configuration.stages.map { try $0.stage.forecast($0, planner) }
        disk = try zip(stages, stages.madeTables).map { try DiskEstimate($0, making: $1, planner) }
    }

    /// Checks that every stage fits the memory of its nodes.
    ///
    /// - Throws: ``RunError/other(_:)`` with the stage that needs most, and what to do about it.
    package func check() throws {
        try checkCards()
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
            stage.roles.filter { $0.ranks.contains(rank) }.map(\.memory.ofHost).max() ?? MemoryEstimate.process
        }
        return nodes.map { needs[$0].reduce(0, +) }.max() ?? 0
    }

    /// The ranks of each node.
    private var nodes: [Range<Int>] {
        let size = min(ranks, node.ranks ?? ranks)
        return stride(from: 0, to: ranks, by: size).map { $0..<min(ranks, $0 + size) }
    }
}

extension RunForecast {
    /// The most that ranks together take of a card in a stage, and how many they are; `nil` for a stage that takes none.
    ///
    /// A rank has the card of its place on its node.
    func fullestCard(of stage: StageForecast) -> (bytes: Int, ranks: Int)? {
        let count = node.cards?.count
        let cards = nodes.flatMap { node in
            Dictionary(grouping: node) { rank in count.map { (rank - node.lowerBound) % $0 } ?? rank }.values
        }
        let needs = cards.map { ranks in
            ranks.compactMap { rank in
                stage.roles.filter { $0.ranks.contains(rank) && $0.memory.isOnCard }.map(\.memory.total).max()
            }
        }
        return needs.filter { !$0.isEmpty }.map { (bytes: $0.reduce(0, +), ranks: $0.count) }.max {
            $0.bytes < $1.bytes
        }
    }

    /// Checks that every stage fits its cards, where their memory is known.
    private func checkCards() throws {
        guard let memory = node.cards?.memory else { return }
        let needs = stages.compactMap { stage in fullestCard(of: stage).map { (stage: stage, card: $0) } }
        guard let worst = needs.max(by: { $0.card.bytes < $1.card.bytes }), worst.card.bytes > memory else { return }
        let ranks = worst.card.ranks
        throw RunError.other(
            "\(worst.stage.configuration.name): \(ranks == 1 ? "a rank needs" : "\(ranks) ranks on a card need") "
                + "\(HumanFormat.bytes(worst.card.bytes)), but the card has \(HumanFormat.bytes(memory)); "
                + worst.stage.remedy(ranks == 1 ? "" : "give each rank a card of its own, or "))
    }
}

extension StageForecast {
    /// What makes this stage smaller.
    fileprivate func remedy(sharesNode: Bool) -> String {
        remedy(sharesNode ? "put fewer ranks on a node (--ranks-per-node here), or " : "")
    }

    /// - Parameter fewer: What helps where ranks share the memory.
    fileprivate func remedy(_ fewer: String) -> String {
        let largest = roles.map(\.memory).max { $0.total < $1.total } ?? MemoryEstimate()
        let models = largest.weights + largest.gradients + largest.moments + largest.frozen
        let name = configuration.name
        if largest.activations >= max(models, largest.cache) {
            return "\(fewer)lower \(name).max_tokens_per_micro_batch"
        }
        if largest.cache >= models { return "\(fewer)lower \(name).generation_batch_size or response_length" }
        return "\(fewer)take a smaller model"
    }
}

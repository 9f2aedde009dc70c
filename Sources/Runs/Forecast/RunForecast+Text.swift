extension RunForecast {
    /// The forecast as tables: roles, batches, disk and memory by stage.
    package var text: String {
        let rankWord = ranks == 1 ? "1 rank (every role in one process)" : "\(ranks) ranks (rank 0 orchestrates)"
        return """
            \(configuration.outputDir): \(HumanFormat.counted(stages.count, "stage")) on \(rankWord)

            Roles
            \(roleTable)
            Batches
            \(batchTable)\(batchNotes)
            Disk
            \(diskTable)\(diskLine)
            Memory of a rank
            \(memoryTable)\(cardLine)\(nodeLines)
            """
    }

    private var roleTable: String {
        var table = TextTable(["stage", "type", "role", "ranks"])
        for stage in stages {
            for (index, role) in stage.roles.enumerated() {
                let stage = index == 0 ? [stage.configuration.name, stage.configuration.type] : ["", ""]
                table.add(stage + [role.name, Self.text(of: role.ranks)])
            }
        }
        return table.render()
    }

    private var batchTable: String {
        var table = TextTable(["stage", "reads", "a step", "a learner", "micro-batches", "steps"])
        for stage in stages {
            let batches = stage.batches
            let count = batches.count.map { ($0.isEstimate ? "~" : "") + "\($0.examples) " } ?? ""
            let source = batches.count == nil ? " (an earlier stage decides)" : ""
            let share = batches.size.map { size in
                size.isMultiple(of: batches.learners)
                    ? "\(size / batches.learners)" : "\(size / batches.learners)-\(size / batches.learners + 1)"
            }
            table.add([
                stage.configuration.name, "\(count)\(batches.unit)\(source)", batches.size.map(String.init) ?? "all",
                share ?? "-", batches.microBatches.map { "\($0)" } ?? "-", batches.stepsText,
            ])
        }
        return table.render()
    }

    private var batchNotes: String {
        let notes = stages.flatMap { stage in
            [stage.batches.note, stage.batches.warning ?? ""].filter { !$0.isEmpty }.map {
                "\(stage.configuration.name): \($0)\n"
            }
        }
        return notes.joined()
    }

    private var diskTable: String {
        var table = TextTable(["stage", "models", "checkpoints", "tables"])
        for (stage, disk) in zip(stages, disk) where disk.total > 0 {
            table.add(
                [stage.configuration.name]
                    + [disk.models, disk.checkpoints, disk.tables].map { $0 == 0 ? "-" : HumanFormat.bytes($0) })
        }
        return table.render()
    }

    private var diskLine: String {
        let unknown = zip(stages, disk).filter(\.1.hasUnknownTables).map(\.0.configuration.name)
        let tables =
            unknown.isEmpty ? "" : ", and tables of \(unknown.joined(separator: ", ")), whose data is yet to be made,"
        return
            "At the end \(HumanFormat.bytes(disk.map(\.total).reduce(0, +))); one checkpoint more while it is written. "
            + "Rows and metrics\(tables) come beside.\n"
    }

    private var memoryTable: String {
        let names = ["weights", "gradients", "moments", "frozen", "activations", "KV cache", "total"]
        var table = TextTable(["stage", "role"] + (usesCards ? ["in"] : []) + names)
        for stage in stages {
            for role in stage.roles {
                let memory = role.memory
                let parts = [
                    memory.weights, memory.gradients, memory.moments, memory.frozen, memory.activations, memory.cache,
                ]
                table.add(
                    [stage.configuration.name, role.name] + (usesCards ? [memory.isOnCard ? "a card" : "the host"] : [])
                        + parts.map { $0 == 0 ? "-" : HumanFormat.bytes($0) } + [HumanFormat.bytes(memory.total)])
            }
        }
        return table.render()
    }

    private var usesCards: Bool { stages.contains { $0.roles.contains { $0.memory.isOnCard } } }

    private var cardLine: String {
        guard let most = stages.compactMap({ fullestCard(of: $0) }).max(by: { $0.bytes < $1.bytes }) else { return "" }
        let sharers = most.ranks == 1 ? "" : " for \(most.ranks) ranks"
        let size = node.cards?.memory.map { " of \(HumanFormat.bytes($0))" } ?? " (how much one has is not known)"
        return "A card: at most \(HumanFormat.bytes(most.bytes))\(sharers)\(size), "
            + "\(HumanFormat.bytes(MemoryEstimate.cardContext)) a rank for CUDA itself among it.\n"
    }

    private var nodeLines: String {
        let most = stages.map { bytesOnFullestNode(of: $0) }.max() ?? 0
        let shared = min(ranks, node.ranks ?? ranks)
        return "\(shared == 1 ? "1 rank" : "\(shared) ranks") a node: at most \(HumanFormat.bytes(most)) of "
            + "\(HumanFormat.bytes(node.memory)). Activations are estimates; every process has "
            + "\(HumanFormat.bytes(usesCards ? MemoryEstimate.processWithCard : MemoryEstimate.process)) of its own.\n"
    }

    private static func text(of ranks: ClosedRange<Int>) -> String {
        ranks.count == 1 ? "\(ranks.lowerBound)" : "\(ranks.lowerBound)-\(ranks.upperBound)"
    }
}

extension Batches {
    /// Steps, `~` before those that an earlier stage may change.
    fileprivate var stepsText: String {
        guard let steps else { return size == nil ? "1 pass" : "-" }
        return (count?.isEstimate ?? false ? "~" : "") + "\(steps)"
    }
}

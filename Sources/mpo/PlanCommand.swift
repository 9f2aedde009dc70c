import ArgumentParser
import Commands
import MPI
import Runs
import Stages
import Torch
import Training

struct PlanCommand: LoneCommand {
    static let configuration = CommandConfiguration(
        commandName: "plan",
        abstract: "Show what a run will do on so many ranks, and refuse what cannot fit.",
        discussion: """
            Roles by stage, batch arithmetic, steps where the data is there to be counted, disk, and memory a rank. \
            Refuses what 'mpo train' would refuse. Reads configurations, tokenizers and data; of weights only the headers.

            Example: mpo plan run.yaml -n 3
            """)

    @OptionGroup var source: ConfigurationArguments

    @Option(name: [.customShort("n"), .long], help: "Ranks, the orchestrator included.")
    var ranks: Int

    @Option(help: "Ranks that share a node's memory. (default: all)")
    var ranksPerNode: Int?

    @Option(help: ArgumentHelp("Memory of a node. (default: this machine's)", valueName: "GiB"))
    var memoryPerNode: Double?

    @Option(help: "Cards that the ranks of a node share. (default: this machine's)")
    var cardsPerNode: Int?

    @Option(help: ArgumentHelp("Memory of a card. (default: this machine's)", valueName: "GiB"))
    var memoryPerCard: Double?

    func validate() throws {
        guard (1...1 << 20).contains(ranks) else {
            throw ValidationError("-n takes a number of ranks from 1 on, not \(ranks)")
        }
        guard ranksPerNode ?? 1 >= 1 else { throw ValidationError("--ranks-per-node takes a number from 1 on") }
        guard memoryPerNode ?? 1 > 0, memoryPerNode ?? 1 < 1e6 else {
            throw ValidationError("--memory-per-node takes a number of GiB above 0")
        }
        guard cardsPerNode ?? 1 >= 1 else { throw ValidationError("--cards-per-node takes a number from 1 on") }
        guard memoryPerCard ?? 1 > 0, memoryPerCard ?? 1 < 1e6 else {
            throw ValidationError("--memory-per-card takes a number of GiB above 0")
        }
    }

    func work() throws {
        let configuration = try RunConfiguration(contentsOf: source.config, overrides: source.overrides)
        var node = RunForecast.Node.thisMachine
        node.ranks = ranksPerNode
        if let memoryPerNode { node.memory = Int(memoryPerNode * 0x1p30) }
        node.cards = try cards(of: configuration)
        let forecast = try RunForecast(configuration, ranks: ranks, node: node)
        try StandardOutput.write(forecast.text)
        try forecast.check()
    }

    /// The cards that the run would find: what was said of them, else this machine's.
    private func cards(of configuration: RunConfiguration) throws -> RunForecast.Cards? {
        let isSaid = cardsPerNode != nil || memoryPerCard != nil
        guard configuration.wantedDevice != .cpu else {
            guard !isSaid else {
                throw RunError.other(
                    "no stage computes on a card; leave out --cards-per-node and --memory-per-card, or write "
                        + "device: cuda")
            }
            return nil
        }
        let device = isSaid ? .cpu : try TorchRuntime.device(.auto).device
        guard isSaid || device != .cpu || configuration.wantedDevice == .cuda else { return nil }
        return RunForecast.Cards(
            count: cardsPerNode ?? (device == .cpu ? nil : TorchRuntime.cardCount),
            memory: memoryPerCard.map { Int($0 * 0x1p30) } ?? TorchRuntime.memory(of: device)?.total)
    }
}

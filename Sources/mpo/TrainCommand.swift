import ArgumentParser
import Foundation
import MPI
import Training

struct TrainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "train",
        abstract: "Run the stages of a configuration, on all ranks that were started.",
        discussion: """
            Rank zero orchestrates and the others work; one process alone does both.

            Example: mpo train run.yaml --set ppo.kl_coef=0.1
            """)

    @OptionGroup var source: ConfigurationArguments

    @Flag(help: "Go on with the run that output_dir holds.")
    var resume = false

    @Option(
        help: ArgumentHelp(
            "Write a trace of all ranks when the run ends, for ui.perfetto.dev or chrome://tracing.", valueName: "file")
    )
    var trace: String?

    @Flag(help: "Print the configuration with every default filled in, and stop.")
    var printConfig = false

    func run() {
        runJob(named: "mpo") { runtime in
            let configuration = try RunConfiguration(
                contentsOf: source.config, overrides: source.overrides, on: runtime.world)
            guard !printConfig else {
                if runtime.world.rank == 0 { print(configuration.yaml, terminator: "") }
                return 0
            }
            try TrainingRun(
                configuration, on: runtime, resuming: resume, trace: trace.map { URL(filePath: $0) })()
            return 0
        }
    }
}

/// A configuration as command lines name it.
struct ConfigurationArguments: ParsableArguments {
    @Argument(help: "The run's YAML file.")
    var config: String

    @Option(
        name: .customLong("set"), parsing: .singleValue,
        help: ArgumentHelp("Set one key over the file's value; may be repeated.", valueName: "key=value"))
    var overrides: [String] = []
}

import ArgumentParser
import Commands
import Foundation
import MPI
import Reports
import Runs
import Stages
import Training

struct TrainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "train",
        abstract: "Run the stages of a configuration, on all ranks that were started.",
        discussion: """
            Rank zero orchestrates and the others work; one process alone does both.

            On SIGUSR1, SIGTERM or SIGINT all ranks save after the step they are at, together, and exit with status 75; \
            --resume goes on from there. A second SIGINT ends a process at once. Under mpirun send SIGUSR1 to mpirun: on \
            other signals it kills its ranks a second later. Exit status: 0 done, 75 stopped, 2 a mistake in what was \
            asked for, 1 anything else.

            Example: mpo train run.yaml --set ppo.kl_coef=0.1
            """)

    @OptionGroup var source: ConfigurationArguments

    @Flag(help: "Go on with the run that output_dir holds.")
    var resume = false

    @Flag(
        help: """
            With --resume: go on with another number of learners, of threads, another build or CPU. Data order and \
            random streams stay, the rounding of sums does not.
            """)
    var allowInexact = false

    @Flag(
        help: """
            With --resume: go on with changed keys, data or models, if nothing that is done depends on them: those of \
            stages that have not begun, logging_steps, report_to, save_total_limit, and where they do not choose the \
            best model, save_steps, eval_steps, eval_data.
            """)
    var allowConfigChange = false

    @Flag(help: "Take output_dir from the job that holds it; that job ends.")
    var breakLock = false

    @Option(
        help: ArgumentHelp(
            "Save and exit with status 75 before this time since the start is over.", valueName: "3h50m"),
        transform: { text in
            guard let seconds = DurationText.seconds(text), seconds > 0 else {
                throw ValidationError("write a time such as 3h50m, 45m, 90s or 1d2h")
            }
            return seconds
        })
    var stopBefore: Double?

    @Option(
        help: ArgumentHelp(
            "Write a trace of all ranks when the run ends, for ui.perfetto.dev or chrome://tracing.", valueName: "file"),
        transform: \.expandingHome)
    var trace: String?

    @Flag(help: "Print the configuration with every default filled in, and stop.")
    var printConfig = false

    func run() {
        let conditions = StopConditions(signals: StopSignals(), timeLimit: stopBefore)
        runJob(named: "mpo") { runtime in
            let configuration = try RunConfiguration(
                contentsOf: source.config, overrides: source.overrides, registry: .standard, on: runtime.world)
            guard !printConfig else {
                if runtime.world.rank == 0 { try StandardOutput.write(configuration.yaml) }
                return 0
            }
            let run = TrainingRun(
                configuration, on: runtime, options, until: conditions, trace: trace.map { URL(filePath: $0) })
            let ending = try run()
            if runtime.world.rank == 0 { leaveReport(in: configuration.outputDir) }
            return ending.exitStatus
        }
    }

    /// Leaves `report.html` beside what the run has left; what keeps it from that is told, and no fault of the run.
    private func leaveReport(in directory: String) {
        do {
            try Report([directory]).leave(in: URL(filePath: directory))
        } catch {
            StandardError.write("mpo: warning: no report.html: \(error)\n")
        }
    }

    func validate() throws {
        for (flag, isGiven) in [("--allow-inexact", allowInexact), ("--allow-config-change", allowConfigChange)]
        where isGiven && !resume {
            throw ValidationError("\(flag) goes with --resume")
        }
    }

    private var options: StartOptions {
        var options = StartOptions()
        options.resumes = resume
        options.allowsInexact = allowInexact
        options.allowsConfigChange = allowConfigChange
        options.breaksLock = breakLock
        return options
    }
}

/// A configuration as command lines name it.
struct ConfigurationArguments: ParsableArguments {
    @Argument(help: "The run's YAML file.", transform: \.expandingHome)
    var config: String

    @Option(
        name: .customLong("set"), parsing: .singleValue,
        help: ArgumentHelp("Set one key over the file's value; may be repeated.", valueName: "key=value"))
    var overrides: [String] = []
}

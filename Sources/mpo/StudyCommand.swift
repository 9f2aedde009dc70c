import ArgumentParser
import Commands
import Foundation
import MPI
import Runs
import Stages

struct StudyCommand: LoneCommand {
    static let configuration = CommandConfiguration(
        commandName: "study",
        abstract: "Compare stages of a run over seeds, by what its runs have left.",
        discussion: """
            launch/study makes the runs and calls this. Writes study.json and costs.json into output_dir, under which the \
            runs lie, and prints their table: means with 95 % t intervals over seeds, differences to a baseline by paired t \
            tests with Holm's correction, win rates, tokens and seconds.

            Example: mpo study study.yaml --seeds 1-10 --baseline dpo
            """)

    @OptionGroup var source: ConfigurationArguments

    @Option(help: ArgumentHelp("Seeds of the runs.", valueName: "1-10"))
    var seeds: String

    @Option(
        help: ArgumentHelp(
            "Stages that are compared. (default: all whose policies are evaluated)", valueName: "stages"))
    var arms: String?

    @Option(
        help: ArgumentHelp(
            "What arms are compared with: one of them, or another policy. (default: the first)", valueName: "arm"))
    var baseline: String?

    @Option(
        help: ArgumentHelp("The evaluate stage whose numbers count, where there are several.", valueName: "stage"))
    var evaluation: String?

    @Option(
        parsing: .singleValue,
        help: ArgumentHelp(
            "Values of a key among which each arm's best is chosen first, on --tune-seeds.", valueName: "key=v1,v2"))
    var tune: [String] = []

    @Option(help: ArgumentHelp("Seeds that values are tried on, apart from --seeds.", valueName: "90-92"))
    var tuneSeeds: String?

    @Option(help: ArgumentHelp("Metrics of the arms' stages that the table has too.", valueName: "metrics"))
    var show: String?

    @Flag(
        help: """
            Print the first run that is not finished, and stop: its title, its directory, and the options of launch/run \
            that make it, a line each. Nothing where all are finished.
            """)
    var next = false

    func work() throws {
        var options = StudyOptions(config: source.config, seeds: seeds)
        options.overrides = source.overrides
        (options.arms, options.baseline, options.evaluation) = (arms, baseline, evaluation)
        (options.tune, options.tuneSeeds, options.show) = (tune, tuneSeeds, show)
        let plan = try StudyPlan(options, registry: .standard)
        guard !next else {
            guard let (run, progress) = try plan.next() else { return }
            if let note = plan.tuning?.note, progress == .missing, run.directory == plan.tuningRuns[0][0].directory {
                StandardError.write("mpo: \(note)\n")
            }
            let lines = [run.title, run.directory] + run.options(progress)
            return try StandardOutput.write(lines.map { "\($0)\n" }.joined())
        }
        let results = try plan.results()
        try results.write(to: URL(filePath: plan.directory))
        try StandardOutput.write(results.table(showing: plan.shown))
    }
}

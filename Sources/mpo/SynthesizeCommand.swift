import ArgumentParser
import Commands
import Foundation
import Runs
import Stages
import Training

struct SynthesizeCommand: LoneCommand {
    static let configuration = CommandConfiguration(
        commandName: "synthesize",
        abstract: "Write the synthetic preference task of the quickstart, or judge responses to it.",
        discussion: """
            The task has SFT text of mixed quality, noisy preference pairs, held-out prompts and the configuration of \
            a small model. The judge answers lines {"prompt", "completion"} on standard input with {"score"}: the score \
            that the pairs were labelled by.

            Example: mpo synthesize --output task --seed 1
            """)

    @Option(
        help: ArgumentHelp("The directory to write.", valueName: "dir"),
        transform: \.expandingHome)
    var output: String?

    @Option(help: "Seed of the task. (default: 1)")
    var seed: UInt64?

    @Flag(help: "Judge responses, until standard input ends.")
    var judge = false

    func validate() throws {
        guard judge != (output != nil) else { throw ValidationError("Give --output or --judge, one of the two.") }
        guard !judge || seed == nil else { throw ValidationError("--seed belongs to --output.") }
    }

    /// A worker may start its judge under mpirun.
    static let refusesRanks = false

    func work() throws {
        if let output {
            try SyntheticTask.write(to: URL(filePath: output), seed: seed ?? 1)
        } else {
            try SyntheticTask.serveJudge(input: .standardInput, output: .standardOutput)
        }
    }
}

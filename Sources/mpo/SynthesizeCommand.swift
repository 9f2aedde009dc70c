import ArgumentParser
import Commands
import Foundation
import Runs
import Stages
import Training

struct SynthesizeCommand: LoneCommand {
    static let configuration = CommandConfiguration(
        commandName: "synthesize",
        abstract:
            "Write a synthetic task: the preferences of the quickstart, or sums; or judge responses to the former.",
        discussion: """
            The task orders has SFT text of mixed quality, noisy preference pairs, held-out prompts and the configuration of \
            a small model. The task arithmetic has solved sums, more sums with their answers in a column, held-out ones, and \
            the same model; rule:number:answer tells what is right. The judge answers lines {"prompt", "completion"} on standard input with {"score"}: the score \
            that the pairs of orders were labelled by.

            Example: mpo synthesize --output task --seed 1
            """)

    @Option(
        help: ArgumentHelp("The directory to write.", valueName: "dir"),
        transform: \.expandingHome)
    var output: String?

    @Option(help: "Seed of the task. (default: 1)")
    var seed: UInt64?

    @Option(help: "What is written. (default: orders)")
    var task: Task?

    @Flag(help: "Judge responses, until standard input ends.")
    var judge = false

    func validate() throws {
        guard judge != (output != nil) else { throw ValidationError("Give --output or --judge, one of the two.") }
        guard !judge || seed == nil else { throw ValidationError("--seed belongs to --output.") }
        guard !judge || task == nil else { throw ValidationError("--task belongs to --output.") }
    }

    /// A worker may start its judge under mpirun.
    static let refusesRanks = false

    /// The tasks that there are.
    enum Task: String, ExpressibleByArgument, CaseIterable {
        /// Guests order and waiters answer: ``SyntheticTask``.
        case orders
        /// Sums: ``ArithmeticTask``.
        case arithmetic

        /// The file of prompts to learn from, which the other has not.
        var mark: String {
            switch self {
            case .orders: "pairs.jsonl"
            case .arithmetic: "prompts.jsonl"
            }
        }
    }

    func work() throws {
        guard let output else {
            return try SyntheticTask.serveJudge(input: .standardInput, output: .standardOutput)
        }
        let directory = URL(filePath: output)
        let task = task ?? .orders
        for other in Task.allCases where other != task {
            let file = directory.appending(path: other.mark)
            guard FileManager.default.fileExists(atPath: file.path) else { continue }
            throw SyntheticTaskError.cannotWrite(
                path: directory.relativePath, reason: "\(other.mark) of the task \(other.rawValue) is there already")
        }
        switch task {
        case .orders: try SyntheticTask.write(to: directory, seed: seed ?? 1)
        case .arithmetic: try ArithmeticTask(seed: seed ?? 1).write(to: directory)
        }
    }
}

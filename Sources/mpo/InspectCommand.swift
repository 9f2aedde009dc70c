import ArgumentParser
import Commands
import MPI
import Runs
import Stages
import Training

struct InspectCommand: LoneCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect",
        abstract: "Show the first rows of what a stage reads, as the model will see them.",
        discussion: """
            How long its examples are and what writes them; then the first rows as text, token ids and tokens, and which of them are
            predicted or scored. Made by the code that trains.

            Example: mpo inspect run.yaml --stage dpo --rows 1
            """)

    @OptionGroup var source: ConfigurationArguments

    @Option(help: "The stage. (default: the first)")
    var stage: String?

    @Option(help: "How many rows.")
    var rows = 2

    func validate() throws {
        guard rows >= 0 else { throw ValidationError("--rows takes a number from 0 on, not \(rows)") }
    }

    func work() throws {
        let configuration = try RunConfiguration(contentsOf: source.config, overrides: source.overrides)
        try StandardOutput.write(try DataInspection(configuration, stage: stage, rows: rows).text)
    }
}

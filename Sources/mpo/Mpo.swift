import ArgumentParser
import Commands
import Foundation
import MPI
import Runs
import Stages
import Training

/// The root command. Parsing errors and help are told once, by rank zero, however many ranks were started.
@main
struct Mpo: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "mpo",
        abstract: "Mixed Preference Optimization (arXiv 2403.19443) over MPI ranks.",
        discussion: """
            A run is one YAML file: 'mpo plan' shows what it will do, 'mpo inspect' what it will read, 'mpo train' \
            does it. Start several ranks with launch/run, or with mpirun.
            """,
        version: BuildInformation.description,
        subcommands: [
            TrainCommand.self, PlanCommand.self, InspectCommand.self, TokenizeCommand.self, ScoreCommand.self,
            GenerateCommand.self, SynthesizeCommand.self, BenchCommand.self, StudyCommand.self, ReportCommand.self,
        ])

    static func main() {
        StandardStreams.prepare()
        do {
            var command = try parseAsRoot()
            try command.run()
        } catch {
            end(with: error)
        }
    }

    /// Ends a process whose command line asked for help or could not be read.
    private static func end(with error: any Error) -> Never {
        guard exitCode(for: error) == .success else {
            LoneProcess.end(with: UsageError(message(for: error), command: subcommandName))
        }
        if LaunchEnvironment().announcedRank ?? 0 == 0 {
            do { try StandardOutput.write(fullMessage(for: error) + "\n") } catch { LoneProcess.end(with: error) }
        }
        Foundation.exit(0)
    }

    /// The subcommand that the command line names, for a hint at its help.
    private static var subcommandName: String? {
        let names = configuration.subcommands.compactMap { $0.configuration.commandName }
        return CommandLine.arguments.dropFirst().first.flatMap { names.contains($0) ? $0 : nil }
    }
}

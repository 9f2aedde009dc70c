import Foundation
import TestSupport
import Testing

@Suite("Help, versions and command lines that cannot be read", .serialized)
struct UsageTests {
    private static let commands = [
        "train", "plan", "inspect", "tokenize", "score", "generate", "synthesize", "bench", "study",
    ]

    @Test("--version names the program, its version and LibTorch's")
    func version() throws {
        try Workspace.with { workspace in
            let output = try workspace.mpo("--version").output
            #expect(output.wholeMatch(of: /mpo \d+\.\d+\.\d+ \(LibTorch \d+\.\d+\.\d+.*\)\n/) != nil)
        }
    }

    @Test("Every command has help with one example", arguments: commands)
    func help(command: String) throws {
        try Workspace.with { workspace in
            let output = try workspace.mpo(command, "--help").output
            #expect(output.ranges(of: "Example: ").count == 1)
            #expect(output.contains("mpo \(command)"))
        }
    }

    @Test(
        "A mistake on the command line is one line that names the command's help, with status 2",
        arguments: [
            (["trian"], "Unexpected argument 'trian'; see mpo --help"),
            (["train"], "Missing expected argument '<config>'; see mpo train --help"),
            (
                ["train", "a.yaml", "--resme"],
                "Unknown option '--resme'. Did you mean '--resume'? See mpo train --help"
            ),
            (["plan", "a.yaml"], "Missing expected argument '--ranks <ranks>'; see mpo plan --help"),
            (["generate", "--model", "policy"], "Give --prompts or --prompt; see mpo generate --help"),
            (["bench"], "Give --model or --random-init, one of the two; see mpo bench --help"),
            (
                ["bench", "--model", "policy", "--only", "dpo,speed"],
                "--only takes some of sft,reward,dpo,scoring,decode,uneven,ppo, not 'speed'; see mpo bench --help"
            ),
            (["synthesize"], "Give --output or --judge, one of the two; see mpo synthesize --help"),
        ])
    func mistakes(arguments: [String], message: String) throws {
        try Workspace.with { workspace in
            let result = try workspace.mpo(arguments, status: 2)
            #expect(result.errors == "mpo: \(message)\n")
            #expect(result.output.isEmpty)
        }
    }

    @Test(
        "A loss that cannot be measured is told with what was probably meant",
        arguments: [
            (
                "kto",
                "'kto' is no loss of pairs; use a stage of type kto, which learns from answers apart; losses are sigmoid,"
            ),
            ("hinje", "'hinje' is no loss; did you mean hinge? Losses are sigmoid, "),
            ("nothing", "'nothing' is no loss; losses are sigmoid, "),
        ])
    func losses(name: String, message: String) throws {
        try Workspace.with { workspace in
            let result = try workspace.mpo("bench", "--model", "policy", "--loss-type", name, status: 2)
            #expect(result.errors.hasPrefix("mpo: --loss-type: loss_type \(message)"), "\(result.errors)")
        }
    }

    @Test("Without a command, mpo prints its help")
    func bare() throws {
        try Workspace.with { workspace in
            let output = try workspace.mpo().output
            #expect(Self.commands.allSatisfy(output.contains))
        }
    }

    @Test(
        "Under mpirun help is printed once and a mistake is told once, with status 2",
        .enabled(if: TestSupport.mpirun != nil, "mpirun is not in PATH"), arguments: [1, 2, 3])
    func ranks(ranks: Int) throws {
        try Workspace.with { workspace in
            let help = try workspace.mpo("train", "--help", ranks: ranks).output
            #expect(help == (try workspace.mpo("train", "--help").output))
            let mistake = try workspace.mpo("train", "run.yaml", "--no-such-option", ranks: ranks, status: 2)
            #expect(mistake.errors.ranges(of: "Unknown option '--no-such-option'").count == 1)
            #expect(mistake.lastError.hasPrefix("mpo: Unknown option"))
            #expect(mistake.output.isEmpty)
        }
    }

    @Test(
        "A command for one process refuses several",
        .enabled(if: TestSupport.mpirun != nil, "mpirun is not in PATH"))
    func loneCommand() throws {
        try Workspace.with { workspace in
            let result = try workspace.mpo("tokenize", "--model", "policy", ranks: 2, status: 2)
            #expect(result.lastError.contains("start it without mpirun"))
        }
    }
}

import ArgumentParser
import Commands
import Foundation
import MPI
import Runs
import Stages
import Training

struct TokenizeCommand: LoneCommand {
    static let configuration = CommandConfiguration(
        commandName: "tokenize",
        abstract: "Turn each line of standard input into a JSON list of token ids.",
        discussion: "Example: echo 'Hello there' | mpo tokenize --model models/smollm2")

    @Option(
        help: ArgumentHelp("A directory with tokenizer.json.", valueName: "dir"),
        transform: \.expandingHome)
    var model: String

    @Flag(name: .customLong("no-special-tokens"), help: "Leave out the tokens that the tokenizer puts around a text.")
    var withoutSpecialTokens = false

    func work() throws {
        let lines = try LineTokenizer(model: model, addsSpecialTokens: !withoutSpecialTokens)
        // A person at a terminal sees each line at once; a program gets them in large pieces.
        let enough = isatty(STDOUT_FILENO) == 1 ? 1 : 1 << 16
        var text = ""
        try lines.run(.standardInput) { line in
            text += line + "\n"
            guard text.utf8.count >= enough else { return }
            try StandardOutput.write(text)
            text = ""
        }
        try StandardOutput.write(text)
    }
}

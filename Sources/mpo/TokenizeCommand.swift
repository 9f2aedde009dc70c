import ArgumentParser
import Training

struct TokenizeCommand: LoneCommand {
    static let configuration = CommandConfiguration(
        commandName: "tokenize",
        abstract: "Turn each line of standard input into a JSON list of token ids.",
        discussion: "Example: echo 'Hello there' | mpo tokenize --model models/smollm2")

    @Option(help: ArgumentHelp("A directory with tokenizer.json.", valueName: "dir"))
    var model: String

    @Flag(name: .customLong("no-special-tokens"), help: "Leave out the tokens that the tokenizer puts around a text.")
    var withoutSpecialTokens = false

    func work() throws {
        let lines = try LineTokenizer(model: model, addsSpecialTokens: !withoutSpecialTokens)
        // A line ends in a line feed; a carriage return before it is text.
        while let line = readLine(strippingNewline: false) {
            let ends = line.utf8.last == UInt8(ascii: "\n")
            print(lines.ids(of: ends ? String(Substring(line.utf8.dropLast())) : line))
        }
    }
}

import Runs

extension ShellProgram {
    /// Throws where `command` cannot be started here: the shell cannot read it, or does not find its program.
    ///
    /// Nothing of it runs. A line that starts with more than a plain program name is only read.
    package static func check(_ command: String) throws(CommandError) {
        try run(["-n", "-c", command], for: command) { $0 }
        if let name = programName(of: command) {
            try run(["-c", "command -v \"$1\" > /dev/null", "sh", name], for: command) { _ in "\(name): not found" }
        }
    }

    private static func run(
        _ arguments: [String], for command: String, reason: (String) -> String
    ) throws(CommandError) {
        func cannotStart(_ reason: String) -> CommandError {
            CommandError(command, cannotStart: reason)
        }
        let shell: ShellProgram
        do {
            shell = try ShellProgram(arguments)
        } catch {
            throw cannotStart(error.reason)
        }
        if case .status(let status) = shell.end(within: 10), status != 0 {
            throw cannotStart(reason(shell.errorTail.lastLines))
        }
    }

    /// The first word, past assignments to the environment; `nil` where it is not a plain name.
    private static func programName(of command: String) -> String? {
        let word = command.split(whereSeparator: \.isWhitespace).first { !$0.contains("=") }
        guard let word, !command.prefix(upTo: word.startIndex).contains(where: { "\"'`$\\(".contains($0) }) else {
            return nil
        }
        let isPlain = word.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "_./+-".contains($0)) }
        return isPlain && word.first != "-" ? String(word) : nil
    }
}

import MPI
import Runs

/// What a `command:` did instead of answering.
package struct CommandError: Error, Sendable, CustomStringConvertible, ToldOnce {
    /// What happened.
    package enum Problem: Sendable, Equatable {
        /// The shell or the system could not run it.
        case cannotStart(reason: String)
        /// It ended, or closed its output, with answers still to give.
        case ended
        /// It gave no answer for this long, but for so many lines with nothing on them.
        case stalled(seconds: Double, blankLines: Int)
        /// It printed a line that is no answer.
        case nonsense(line: String, reason: String)
        /// It printed more lines than it was asked questions.
        case unasked(line: String)
    }

    /// The command line.
    package let command: String
    /// What happened.
    package let problem: Problem
    /// How many of the last questions it had answered, and how many it was asked.
    package let answered: (count: Int, of: Int)
    /// How it came to its end.
    package let exit: ProgramExit
    /// The last lines of its standard error, joined to one.
    package let lastWords: String
    /// What an answer looks like.
    package let form: String

    /// One line: the command, what happened, its status and its last words.
    package var description: String {
        let progress = "after \(answered.count) of \(answered.of) answers"
        let what =
            switch problem {
            case .cannotStart(let reason): "cannot be started: \(reason)"
            case .ended:
                "\(exit.description) \(progress); it must answer each line as it reads it, until its input ends"
            case .stalled(let seconds, let blank):
                "gave no answer\(blank > 0 ? " but \(HumanFormat.counted(blank, "empty line"))" : "") for "
                    + "\(HumanFormat.duration(seconds: seconds)) \(progress)\(failure); it must answer each line as "
                    + "it reads it and flush its output"
            case .nonsense(let line, let reason):
                "printed '\(line)' \(progress)\(failure), \(reason); each line of its output must be "
                    + "\(form), and other messages belong on standard error"
            case .unasked(let line):
                "printed '\(line)'\(failure), a line more than it was asked for; it must answer each line with one"
            }
        let words = lastWords.isEmpty ? "" : "; its last words: \(lastWords)"
        return "command '\(command)' \(what)\(words)"
    }

    /// 1 for a command that ended or stalled, which may do better when it is started again; 2 for one that cannot be started, or
    /// whose lines are no answers.
    package var exitStatus: Int32 {
        switch problem {
        case .ended, .stalled: 1
        case .cannotStart, .nonsense, .unasked: 2
        }
    }

    /// How it ended, where it failed by itself too.
    private var failure: String {
        switch exit {
        case .status(0), .forced, .unknown: ""
        case .status, .signal: " and \(exit.description)"
        }
    }
}

extension CommandError {
    /// A command that was never asked anything.
    package init(_ command: String, cannotStart reason: String) {
        self.init(
            command: command, problem: .cannotStart(reason: reason), answered: (0, 0), exit: .unknown, lastWords: "",
            form: "")
    }
}

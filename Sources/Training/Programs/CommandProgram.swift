import Foundation
import JSON
import Runs

/// A program of the user's that is asked for answers, and runs beside this process for as long as this lives.
///
/// It reads a line of JSON a question and writes a line for each, in the same order. It may read ahead of its answers, but its
/// input stays open between batches, so it must not wait for the input's end. Its environment is this process's (so it can
/// see its MPI rank), with `PYTHONUNBUFFERED=1` unless that is set.
///
/// A program that fails is ended, and every later call throws the same ``CommandError``.
package final class CommandProgram<Answer> {
    private let command: String
    private let answer: CommandAnswer<Answer>
    private let timeout: Double
    private var program: ShellProgram?
    private var failure: CommandError?
    private var received = LineBuffer()
    private var hasAnswered = false

    /// A program that `command`, a line for `/bin/sh`, starts when it is first asked or told to.
    ///
    /// - Parameter timeout: seconds to wait for an answer; loading what the program needs counts to its first.
    package init(_ command: String, answering answer: CommandAnswer<Answer>, timeout: Double = 300) {
        (self.command, self.answer, self.timeout) = (command, answer, timeout)
    }

    /// Starts the program if it does not run yet, so that it loads what it needs while others do.
    package func start() throws(CommandError) {
        if let failure { throw failure }
        guard program == nil else { return }
        do {
            program = try ShellProgram(["-c", command])
        } catch {
            throw CommandError(command, cannotStart: error.reason)
        }
    }

    /// Asks questions.
    ///
    /// - Parameters:
    ///   - question: Gives one by its number, when it is about to be sent.
    ///   - take: Called for each answer as it comes, in order; what it throws ends the program and is thrown on.
    package func ask(
        _ count: Int, question: @escaping (_ number: Int) -> JSONObject, take: (Answer) throws -> Void
    ) throws {
        guard count > 0 else { return }
        try start()
        guard let program else { return }
        var answered = 0
        do {
            try ask(Questions(count, question), of: program, &answered, take)
        } catch let error as Failure {
            let failure = describe(error, of: program, answered: (answered, count))
            (self.failure, self.program) = (failure, nil)
            throw failure
        } catch {
            // It still has questions to answer, so it cannot be asked others.
            self.program = nil
            received = LineBuffer()
            throw error
        }
    }

    /// The process id of the program, while it runs.
    package var process: pid_t? { program?.process }
}

/// What went wrong, before the program's end is known.
private struct Failure: Error {
    var problem: CommandError.Problem
    /// Seconds in which the program may end by itself and say why.
    var grace = 1.0
}

private let longestAnswer = 1 << 20

extension CommandProgram {
    private func ask(
        _ questions: Questions, of program: ShellProgram, _ count: inout Int, _ take: (Answer) throws -> Void
    ) throws {
        _ = program.exchange(receiving: &received, for: 0)
        try refuseUnasked()
        var questions = questions
        var deadline = now + timeout
        var isAbandoned = false
        while count < questions.count {
            if !program.takesInput, !isAbandoned {
                // It will not read the rest. What it answered before, and how it ends, may still come.
                isAbandoned = true
                deadline = min(deadline, now + 2)
            }
            guard program.hasOutput else { throw Failure(problem: .ended) }
            let left = deadline - now
            guard left > 0 else {
                throw isAbandoned
                    ? Failure(problem: .ended)
                    : Failure(problem: .stalled(seconds: timeout, blankLines: received.blankLines), grace: 0)
            }
            let sent = program.exchange(
                sending: program.takesInput ? questions.pending : [], receiving: &received, for: left)
            questions.drop(sent)
            while count < questions.count, let line = received.next() {
                let value: Answer
                do throws(CommandAnswerFault) {
                    value = try answer.read(line)
                } catch {
                    throw nonsense(line, error.reason)
                }
                count += 1
                if !isAbandoned { deadline = now + timeout }
                try take(value)
            }
            if received.count > longestAnswer { throw nonsense(received.rest, "a line without an end") }
        }
        hasAnswered = true
        try refuseUnasked()
    }

    private func refuseUnasked() throws(Failure) {
        guard received.hasText else { return }
        throw Failure(problem: .unasked(line: excerpt(received.next() ?? received.rest)))
    }

    private func nonsense(_ line: ArraySlice<UInt8>, _ reason: String) -> Failure {
        Failure(problem: .nonsense(line: excerpt(line), reason: reason))
    }

    private func excerpt(_ line: ArraySlice<UInt8>) -> String {
        let text = String(decoding: line.prefix(400), as: UTF8.self).filter { !$0.isNewline }
        return text.count > 100 ? text.prefix(99) + "…" : text
    }

    /// Ends the program and says what happened.
    private func describe(
        _ failure: Failure, of program: ShellProgram, answered: (count: Int, of: Int)
    ) -> CommandError {
        let exit = program.end(within: failure.grace)
        var (problem, lastWords) = (failure.problem, program.errorTail.lastLines)
        // The shell's own statuses for a command that it does not find or may not run.
        if problem == .ended, !hasAnswered, answered.count == 0, exit == .status(127) || exit == .status(126) {
            problem = .cannotStart(reason: lastWords.isEmpty ? exit.description : lastWords)
            lastWords = ""
        }
        return CommandError(
            command: command, problem: problem, answered: answered, exit: exit, lastWords: lastWords,
            form: answer.form)
    }

    private var now: Double { Double(DispatchTime.now().uptimeNanoseconds) * 1e-9 }
}

/// The lines to send, written as they are needed.
private struct Questions {
    private static let ahead = 1 << 16

    let count: Int
    private let question: (Int) -> JSONObject
    private var next = 0
    private var bytes: [UInt8] = []
    private var sent = 0

    init(_ count: Int, _ question: @escaping (Int) -> JSONObject) {
        (self.count, self.question) = (count, question)
        fill()
    }

    /// What is to be sent next.
    var pending: ArraySlice<UInt8> { bytes[sent...] }

    /// Takes away what was sent.
    mutating func drop(_ count: Int) {
        sent += count
        fill()
    }

    private mutating func fill() {
        guard bytes.count - sent < Self.ahead, next < count else { return }
        bytes.removeFirst(sent)
        sent = 0
        while bytes.count < Self.ahead, next < count {
            bytes.append(contentsOf: JSON.object(question(next)).line.utf8)
            bytes.append(UInt8(ascii: "\n"))
            next += 1
        }
    }
}

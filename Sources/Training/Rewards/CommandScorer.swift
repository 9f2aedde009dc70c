import Foundation
import JSON
import PreferenceData
import Runs

/// Rewards by a program of the user's, which runs beside this process for as long as this scorer lives.
///
/// It reads a line of JSON a response, `{"prompt": ..., "completion": "..."}` with the prompt as the data gave it, text
/// or a list of messages, and writes a line `{"score": NUMBER}` for each, in the same order. It may read ahead of its
/// answers, but its input stays open between batches, so it must not wait for the input's end. Its environment is this
/// process's (so it can see its MPI rank), with `PYTHONUNBUFFERED=1` unless that is set.
///
/// A program that fails is ended, and every later call throws the same ``CommandError``.
package final class CommandScorer: Scorer {
    private static let longestAnswer = 1 << 20

    private let command: String
    private let timeout: Double
    private let answered: () throws -> Void
    private var program: ShellProgram?
    private var failure: CommandError?
    private var received = LineBuffer()
    private var hasAnswered = false

    /// A scorer that starts `command`, a line for `/bin/sh`, when it is first asked or told to.
    ///
    /// - Parameters:
    ///   - timeout: seconds to wait for an answer; loading what the program needs counts to its first.
    ///   - answered: called for each answer that comes; what it throws ends the program and is thrown on.
    package init(_ command: String, timeout: Double = 300, answered: @escaping () throws -> Void = {}) {
        (self.command, self.timeout, self.answered) = (command, timeout, answered)
    }

    /// Starts the program if it does not run yet, so that it loads what it needs while others do.
    package func start() throws(CommandError) {
        if let failure { throw failure }
        guard program == nil else { return }
        do {
            program = try ShellProgram(["-c", command])
        } catch {
            throw CommandError(
                command: command, problem: .cannotStart(reason: error.reason), answered: (0, 0), exit: .unknown,
                lastWords: "")
        }
    }

    package func scores(_ items: [ScoredItem]) throws -> [Double] {
        guard !items.isEmpty else { return [] }
        try start()
        guard let program else { return [] }
        var scores: [Double] = []
        scores.reserveCapacity(items.count)
        do {
            try ask(items, of: program, into: &scores)
            return scores
        } catch let error as Failure {
            let failure = describe(error, of: program, answered: (scores.count, items.count))
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

extension CommandScorer {
    private typealias Problem = CommandError.Problem

    /// What went wrong, before the program's end is known.
    private struct Failure: Error {
        var problem: CommandError.Problem
        /// Seconds in which the program may end by itself and say why.
        var grace = 1.0
    }

    private func ask(
        _ items: [ScoredItem], of program: ShellProgram, into scores: inout [Double]
    ) throws {
        _ = program.exchange(receiving: &received, for: 0)
        try refuseUnasked()
        var questions = Questions(items)
        var deadline = now + timeout
        var isAbandoned = false
        while scores.count < items.count {
            if !program.takesInput, !isAbandoned {
                // It will not read the rest. What it answered before, and how it ends, may still come.
                isAbandoned = true
                deadline = min(deadline, now + 2)
            }
            guard program.hasOutput else { throw Failure(problem: .ended) }
            let left = deadline - now
            guard left > 0 else {
                throw isAbandoned
                    ? Failure(problem: .ended) : Failure(problem: .stalled(seconds: timeout), grace: 0)
            }
            let sent = program.exchange(
                sending: program.takesInput ? questions.pending : [], receiving: &received, for: left)
            questions.drop(sent)
            while scores.count < items.count, let line = received.next() {
                scores.append(try score(line))
                if !isAbandoned { deadline = now + timeout }
                try answered()
            }
            if received.count > Self.longestAnswer { throw nonsense(received.rest, "a line without an end") }
        }
        hasAnswered = true
        try refuseUnasked()
    }

    private func score(_ line: ArraySlice<UInt8>) throws(Failure) -> Double {
        guard let text = String(validating: line, as: UTF8.self) else { throw nonsense(line, "which is not UTF-8") }
        let answer: JSON
        do throws(JSONError) {
            answer = try JSON(parsing: text, repeatedKeys: .kept)
        } catch {
            let why = error.notANumber.map { ": \($0) is no value of JSON" } ?? ""
            throw nonsense(line, "which is not JSON\(why)")
        }
        guard case .object(let object) = answer, let value = object["score"] else {
            throw nonsense(line, "which has no \"score\"")
        }
        guard object.keys.count(where: { $0 == "score" }) == 1 else {
            throw nonsense(line, "which has \"score\" twice")
        }
        guard let score = value.double else { throw nonsense(line, "whose score is not a number") }
        if let fault = ScoreRange.fault(of: score) { throw nonsense(line, "whose score \(fault)") }
        return score
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
        return CommandError(command: command, problem: problem, answered: answered, exit: exit, lastWords: lastWords)
    }

    private var now: Double { Double(DispatchTime.now().uptimeNanoseconds) * 1e-9 }
}

/// The lines to send, written as they are needed.
private struct Questions {
    private static let ahead = 1 << 16

    private let items: [ScoredItem]
    private var next = 0
    private var bytes: [UInt8] = []
    private var sent = 0

    init(_ items: [ScoredItem]) {
        self.items = items
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
        guard bytes.count - sent < Self.ahead, next < items.count else { return }
        bytes.removeFirst(sent)
        sent = 0
        while bytes.count < Self.ahead, next < items.count {
            var object = JSONObject()
            object["prompt"] = items[next].promptContent.json
            object["completion"] = .string(items[next].completion)
            bytes.append(contentsOf: JSON.object(object).line.utf8)
            bytes.append(UInt8(ascii: "\n"))
            next += 1
        }
    }
}

import Dispatch
import Foundation
import JSON
import PreferenceData
import Runs
import Synchronization

/// A model behind a server that is asked questions, several at once, and each only once.
package final class Judge<Value: Sendable> {
    private let server: ChatServer
    private let answer: JudgeAnswer<Value>
    private let prompt: JudgePrompt
    private let journal: JudgeJournal
    private let attend: () throws -> Void

    /// - Parameters:
    ///   - attend: Called several times a second while answers are waited for; what it throws leaves those on their way.
    package init(
        _ server: ChatServer, _ answer: JudgeAnswer<Value>, _ prompt: JudgePrompt, _ journal: JudgeJournal,
        attend: @escaping () throws -> Void = {}
    ) {
        (self.server, self.answer, self.prompt, self.journal) = (server, answer, prompt, journal)
        self.attend = attend
    }

    /// The answers about responses to prompts, one or two each, in the order of `subjects`.
    ///
    /// - Throws: ``JudgeError``, and what `attend` throws; what was answered by then is kept.
    package func answers(about subjects: [(prompt: Content, responses: [String])]) throws -> [Value] {
        let questions = subjects.map { prompt.question($0.prompt, $0.responses) }
        let keys = questions.map { QuestionKey(answer.mode, model: server.endpoint.model, question: $0) }
        var known: [QuestionKey: Value] = [:]
        var asked: Set<QuestionKey> = []
        var open: [(key: QuestionKey, question: String)] = []
        for (key, question) in zip(keys, questions) where !asked.contains(key) && known[key] == nil {
            if let object = journal.answer(to: key), let value = try? answer.read(object.line) {
                known[key] = value
            } else {
                asked.insert(key)
                open.append((key, question))
            }
        }
        for (key, value) in try ask(open) { known[key] = value }
        return keys.map { key in
            guard let value = known[key] else { preconditionFailure("a question was not asked") }
            return value
        }
    }

    private func ask(_ open: [(key: QuestionKey, question: String)]) throws -> [(QuestionKey, Value)] {
        guard !open.isEmpty else { return [] }
        let exchange = Exchange<Value>(questions: open.map(\.question))
        for _ in 0..<min(server.options.concurrency, open.count) {
            exchange.work { [server, answer] client, question, isCancelled throws(JudgeError) in
                try server.reply(to: question, answer, by: client, isCancelled: isCancelled)
            } client: { [endpoint = server.endpoint] () throws(JudgeError) in
                try ChatServer.client(endpoint)
            }
        }
        var found: [(QuestionKey, Value)] = []
        func keep(_ arrived: [Exchange<Value>.Arrival]) throws {
            try journal.append(
                arrived.map { (open[$0.index].key, answer.object($0.reply.value), $0.reply.requests) })
            found += arrived.map { (open[$0.index].key, $0.reply.value) }
            for arrival in arrived { arrival.kept.signal() }
        }
        do {
            while found.count < open.count {
                try keep(try exchange.arrived(within: 0.2))
                try attend()
            }
        } catch {
            exchange.end()
            // What came meanwhile is paid for.
            try keep(exchange.rest())
            throw error
        }
        exchange.end()
        return found
    }
}

/// Questions that threads take one by one, and what comes of them.
private final class Exchange<Value: Sendable>: Sendable {
    /// A reply, whose thread asks on once it is kept: a run that is killed then loses no more than was on its way.
    struct Arrival: Sendable {
        let index: Int
        let reply: ChatServer.Reply<Value>
        let kept = DispatchSemaphore(value: 0)
    }

    private struct State {
        var next = 0
        var arrivals: [Arrival] = []
        var error: JudgeError?
        var isCancelled = false
    }

    private let questions: [String]
    private let state = Mutex(State())
    private let news = DispatchSemaphore(value: 0)
    private let threads = DispatchGroup()

    init(questions: [String]) { self.questions = questions }

    /// Starts a thread that asks until no question is left, or one cannot be answered.
    func work(
        asking ask: @escaping @Sendable (HTTPClient, String, () -> Bool) throws(JudgeError) -> ChatServer.Reply<Value>,
        client: @escaping @Sendable () throws(JudgeError) -> HTTPClient
    ) {
        threads.enter()
        Thread.detachNewThread { [self] in
            defer { threads.leave() }
            do throws(JudgeError) {
                let client = try client()
                while let index = next() {
                    let reply = try ask(client, questions[index]) { self.isCancelled }
                    let arrival = Arrival(index: index, reply: reply)
                    state.withLock { $0.arrivals.append(arrival) }
                    news.signal()
                    while arrival.kept.wait(timeout: .now() + 0.1) == .timedOut, !isCancelled {}
                }
            } catch {
                state.withLock { $0.error = $0.error ?? error }
                news.signal()
            }
        }
    }

    /// What has come since the last time, or comes within some seconds.
    func arrived(within seconds: Double) throws(JudgeError) -> [Arrival] {
        _ = news.wait(timeout: .now() + seconds)
        return try state.withLock { state throws(JudgeError) in
            if state.arrivals.isEmpty, let error = state.error { throw error }
            defer { state.arrivals = [] }
            return state.arrivals
        }
    }

    /// Leaves what is on its way, and waits for the threads to end.
    func end() {
        state.withLock { $0.isCancelled = true }
        threads.wait()
    }

    /// What has come and was not taken.
    func rest() -> [Arrival] { state.withLock(\.arrivals) }

    private var isCancelled: Bool { state.withLock(\.isCancelled) }

    private func next() -> Int? {
        state.withLock { state in
            guard !state.isCancelled, state.error == nil, state.next < questions.count else { return nil }
            defer { state.next += 1 }
            return state.next
        }
    }
}

import Foundation
import JSON
import Runs
import Synchronization

/// An OpenAI-compatible server, asked one question at a time by each of several threads; what fails in passing is tried again.
package final class ChatServer: Sendable {
    package let endpoint: ChatEndpoint
    let key: JudgeKey
    let options: JudgeOptions
    private let budget: RequestBudget
    private let dialect = Mutex(ChatDialect())

    package init(_ endpoint: ChatEndpoint, key: JudgeKey, _ options: JudgeOptions, budget: RequestBudget) {
        (self.endpoint, self.key, self.options, self.budget) = (endpoint, key, options, budget)
    }

    /// An answer, and how many requests it took.
    package typealias Reply<Value> = (value: Value, requests: Int)

    /// Asks until an answer comes that can be read.
    ///
    /// - Parameter isCancelled: Asked about once a second; `true` leaves the question.
    /// - Throws: ``JudgeError``
    package func reply<Value>(
        to question: String, _ answer: JudgeAnswer<Value>, by client: HTTPClient, isCancelled: () -> Bool
    ) throws(JudgeError) -> Reply<Value> {
        var (failures, nonsense, requests) = (0, 0, 0)
        while true {
            guard let pause = budget.take() else { throw error(.limit(options.maxRequests ?? 0)) }
            try wait(pause, isCancelled)
            requests += 1
            let spoken = dialect.withLock(\.self)
            let body = spoken.body(
                endpoint.model, question, schema: answer.schema, maxTokens: options.maxTokens, seed: nonsense)
            switch try exchange(body, by: client, isCancelled) {
            case .completion(let body):
                let reply = ChatReply.text(of: body)
                do throws(CommandAnswerFault) {
                    return (try answer.read(reply.get()), requests)
                } catch {
                    nonsense += 1
                    guard nonsense > min(options.retries, Self.nonsenseRetries) else { continue }
                    let text = told((try? reply.get()) ?? body)
                    let reason =
                        error.reason + (ChatReply.isCut(body) ? ", and was cut at judge_options.max_tokens" : "")
                    throw self.error(.nonsense(reply: text, reason: reason, form: answer.form), tries: nonsense)
                }
            case .refused(let status, let body):
                guard let simpler = spoken.simpler(after: body) else { throw error(.status(status, told(body))) }
                dialect.withLock { $0 = simpler }
            case .failed(let problem, let retryAfter):
                guard failures < options.retries else { throw error(problem, tries: failures + 1) }
                try wait(RetryDelay.seconds(failures, retryAfter: retryAfter), isCancelled)
                failures += 1
            }
        }
    }

    /// Asked the same again, a model mostly says the same.
    private static let nonsenseRetries = 2

    /// What came of one request that may go on.
    private enum Outcome {
        case completion(String)
        /// Something in the request is not to its liking.
        case refused(status: Int, String)
        /// In passing.
        case failed(JudgeError.Problem, retryAfter: Double?)
    }

    private func exchange(
        _ body: String, by client: HTTPClient, _ isCancelled: () -> Bool
    ) throws(JudgeError) -> Outcome {
        let response: HTTPClient.Response
        do throws(HTTPClient.Failure) {
            response = try client.response(to: request(endpoint.completionsURL, body), isCancelled: isCancelled)
        } catch {
            let problem = problem(error)
            guard case .unreachable = problem else { throw self.error(problem) }
            return .failed(problem, retryAfter: nil)
        }
        switch response.status {
        case 200: return .completion(response.body)
        case 400, 422: return .refused(status: response.status, response.body)
        case 408, 429, 500...:
            return .failed(.status(response.status, told(response.body)), retryAfter: response.retryAfter)
        default: throw error(.status(response.status, told(response.body)))
        }
    }

    func request(_ url: String, _ body: String? = nil) -> HTTPClient.Request {
        HTTPClient.Request(
            url: url, headers: ["Content-Type: application/json", "User-Agent: mpo"] + key.headers, body: body,
            timeout: options.timeout)
    }

    /// What an exchange without an answer means.
    func problem(_ failure: HTTPClient.Failure) -> JudgeError.Problem {
        switch failure {
        case .cancelled: .cancelled
        case .transient(let reason): .unreachable(told(reason))
        case .lasting(let reason): .unusable(told(reason))
        }
    }

    func error(_ problem: JudgeError.Problem, tries: Int = 1) -> JudgeError {
        JudgeError(endpoint, problem, tries: tries)
    }

    /// What the server said, fit for a message: short, on one line, without the key.
    func told(_ text: String) -> String {
        let line = key.masked(in: text).split(whereSeparator: \.isWhitespace).joined(separator: " ")
            .filter { !$0.unicodeScalars.contains { $0.value < 0x20 || $0.value == 0x7F } }
        return line.count > 300 ? line.prefix(300) + "…" : line
    }

    private func wait(_ seconds: Double, _ isCancelled: () -> Bool) throws(JudgeError) {
        let end = ProcessInfo.processInfo.systemUptime + seconds
        while true {
            guard !isCancelled() else { throw error(.cancelled) }
            let left = end - ProcessInfo.processInfo.systemUptime
            guard left > 0 else { return }
            Thread.sleep(forTimeInterval: min(0.1, left))
        }
    }
}

import Foundation
import PreferenceData
import Runs
import TestSupport
import Testing
import Training

@Suite("A judge behind a server")
struct ChatServerTests {
    private let question = "[Answer]\nA good answer\n[End of answer]"

    /// What one question to one of the test server's models comes to.
    private func ask(
        _ model: String, of server: JudgeServer, key: String? = nil, _ change: (inout JudgeOptions) -> Void = { _ in }
    ) throws(JudgeError) -> (score: Double, requests: Int) {
        var options = JudgeOptions()
        options.retries = 1
        change(&options)
        let chat = chat(model, at: server.url, key: key, options)
        let (score, requests) = try chat.reply(to: question, .score, by: client(), isCancelled: { false })
        return (score, requests)
    }

    private func chat(_ model: String, at url: String, key: String? = nil, _ options: JudgeOptions = JudgeOptions())
        -> ChatServer
    {
        ChatServer(
            endpoint(model, at: url), key: JudgeKey(key.map { ["OPENAI_API_KEY": $0] } ?? [:]), options,
            budget: RequestBudget(requests: options.maxRequests, perMinute: options.requestsPerMinute))
    }

    private func endpoint(_ model: String, at url: String) -> ChatEndpoint {
        do { return try ChatEndpoint("\(url)#\(model)") } catch { preconditionFailure("\(error)") }
    }

    private func client() -> HTTPClient {
        do { return try HTTPClient() } catch { preconditionFailure("\(error)") }
    }

    private func failure(
        _ model: String, of server: JudgeServer, key: String? = nil, _ change: (inout JudgeOptions) -> Void = { _ in }
    ) throws -> JudgeError {
        var found: JudgeError?
        do { _ = try ask(model, of: server, key: key, change) } catch { found = error }
        let error = try #require(found)
        #expect(!error.description.contains("\n"))
        #expect(error.description.hasPrefix("judge \(server.url)#\(model) "))
        return error
    }

    @Test(
        "An answer comes whatever is in its way",
        arguments: [
            ("right", 1), ("fenced", 1), ("plain", 2), ("old", 2), ("busy", 2), ("broken-once", 2), ("cut-once", 2),
            ("nonsense-once", 2), ("slow-once", 2),
        ])
    func answers(model: String, requests: Int) throws {
        try JudgeServer.with { server in
            let answer = try ask(model, of: server) { $0.timeout = 1 }
            #expect(answer.score == 5)
            #expect(answer.requests == requests)
            #expect(try server.stats().models[model] == requests)
        }
    }

    @Test("A server says when it wants to be asked again")
    func retryAfter() throws {
        try JudgeServer.with { server in
            let start = Date()
            _ = try ask("busy", of: server)
            #expect(Date().timeIntervalSince(start) >= 1)
        }
    }

    @Test("What stays in its way is named")
    func failures() throws {
        try JudgeServer.with { server in
            let broken = try failure("broken", of: server)
            #expect(broken.problem == .status(500, #"{"error": {"message": "the card is full"}}"#))
            #expect(broken.tries == 2 && broken.exitStatus == 1)
            #expect(broken.description.contains("answered 2 times with status 500"))

            let busy = try failure("busy-always", of: server) { $0.retries = 0 }
            #expect(busy.description.contains("status 429") && busy.description.contains("requests_per_minute"))

            let slow = try failure("slow", of: server) { ($0.timeout, $0.retries) = (0.5, 0) }
            #expect(slow.problem == .unreachable("no answer within 1 s"))

            let cut = try failure("cut", of: server) { $0.retries = 1 }
            guard case .unreachable = cut.problem else { throw cut }

            let unknown = try failure("gpt-9", of: server)
            #expect(unknown.exitStatus == 2)
            #expect(unknown.description.contains("status 404") && unknown.description.contains("does not exist"))

            let long = try failure("long", of: server)
            #expect(long.description.contains(", and was cut at judge_options.max_tokens"))
        }
    }

    @Test(
        "What is no answer is told with the reason",
        arguments: [
            ("nonsense", "which has no JSON object"), ("other-schema", "which has no \"score\""),
            ("first", "which has no \"score\""),
        ])
    func nonsense(model: String, reason: String) throws {
        try JudgeServer.with { server in
            let error = try failure(model, of: server)
            guard case .nonsense(let reply, reason, #"{"score": NUMBER}"#) = error.problem else { throw error }
            #expect(!reply.isEmpty)
            #expect(error.tries == 2 && error.exitStatus == 2)
        }
    }

    @Test("A key opens, and is in no message")
    func keys() throws {
        try JudgeServer.with { server in
            #expect(try ask("locked", of: server, key: "sk-the-secret-of-tests").score == 5)
            let wrong = try failure("locked", of: server, key: "sk-another-secret")
            #expect(wrong.description.contains("wrong key Bearer ***"))
            #expect(wrong.description.contains("set MPO_JUDGE_API_KEY or OPENAI_API_KEY"))
            #expect(!"\(wrong)\(wrong.problem)".contains("another-secret"))
            #expect("\(JudgeKey(["OPENAI_API_KEY": "sk-x"]))" == "***")
            #expect(!String(reflecting: JudgeKey(["OPENAI_API_KEY": "sk-x"])).contains("sk-x"))
        }
    }

    @Test("MPO_JUDGE_API_KEY comes before OPENAI_API_KEY")
    func environment() throws {
        try JudgeServer.with { server in
            let key = JudgeKey(["OPENAI_API_KEY": "sk-wrong", "MPO_JUDGE_API_KEY": "sk-the-secret-of-tests"])
            let chat = ChatServer(
                endpoint("locked", at: server.url), key: key, JudgeOptions(),
                budget: RequestBudget(requests: nil, perMinute: nil))
            let (score, _) = try chat.reply(to: question, .score, by: client(), isCancelled: { false })
            #expect(score == 5)
        }
    }

    @Test("A check before the start tells what is missing")
    func check() throws {
        try JudgeServer.with { server in
            for model in ["right", "hidden", "plain", "old", "broken"] { try chat(model, at: server.url).check() }
            let locked = try #require(throws: JudgeError.self) { try chat("locked", at: server.url).check() }
            #expect(locked.problem == .status(401, #"{"error": {"message": "wrong key None"}}"#))
            let unknown = try #require(throws: JudgeError.self) { try chat("righd", at: server.url).check() }
            #expect(unknown.problem == .unknownModel(["right"]))
            let elsewhere = try #require(throws: JudgeError.self) {
                try chat("right", at: server.url + "x").check()
            }
            #expect(
                elsewhere.problem == .status(404, #"{"error": {"message": "no such place: /v1x/chat/completions"}}"#))
        }
        let nobody = try #require(throws: JudgeError.self) { try chat("right", at: "http://127.0.0.1:1/v1").check() }
        #expect(nobody.description.contains("cannot be reached"))
        #expect(nobody.exitStatus == 1)
    }

    @Test("No more requests are sent than are allowed")
    func limit() throws {
        try JudgeServer.with { server in
            let error = try failure("broken", of: server) { ($0.maxRequests, $0.retries) = (2, 5) }
            #expect(error.problem == .limit(2))
            #expect(try server.stats().requests == 2)
        }
    }
}

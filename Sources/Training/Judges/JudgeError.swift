import MPI
import Runs

/// What a judge behind a server did instead of answering.
package struct JudgeError: Error, Sendable, Equatable, CustomStringConvertible, ToldOnce {
    /// What happened.
    package enum Problem: Sendable, Equatable {
        /// It cannot be reached, or its answer did not come whole.
        case unreachable(String)
        /// It can never be reached so.
        case unusable(String)
        /// It answers with a status that is no success, and says this.
        case status(Int, String)
        /// It has no such model; these are some that it has.
        case unknownModel([String])
        /// It replies with something that is no answer.
        case nonsense(reply: String, reason: String, form: String)
        /// All requests that it may be sent are used up.
        case limit(Int)
        /// The run is to stop.
        case cancelled
    }

    /// The server and the model.
    package let endpoint: ChatEndpoint
    /// What happened.
    package let problem: Problem
    /// How often it was asked.
    package var tries = 1

    package init(_ endpoint: ChatEndpoint, _ problem: Problem, tries: Int = 1) {
        (self.endpoint, self.problem, self.tries) = (endpoint, problem, tries)
    }

    /// One line: the judge, what happened, and a way out.
    package var description: String { "\(endpoint) \(fault); \(remedy)" }

    /// What happened, in words that follow the judge.
    package var fault: String {
        let often = tries > 1 ? " \(tries) times" : ""
        switch problem {
        case .unreachable(let reason): return "cannot be reached\(tries > 1 ? ", tried\(often)" : ""): \(reason)"
        case .unusable(let reason): return "cannot be asked: \(reason)"
        case .status(let status, let body):
            return "answered\(often) with status \(status)\(body.isEmpty ? "" : ": \(body)")"
        case .unknownModel(let known):
            return "has no model '\(endpoint.model)'\(known.isEmpty ? "" : ": it has \(known.joined(separator: ", "))")"
        case .nonsense(let reply, let reason, _): return "replied\(often) '\(reply)', \(reason)"
        case .limit(let most): return "was sent the \(most) requests that judge_options.max_requests allows"
        case .cancelled: return "was left for the run to stop"
        }
    }

    /// What helps.
    package var remedy: String {
        switch problem {
        case .unreachable: "start the server, check the URL, or raise judge_options.timeout or retries, and resume"
        case .unusable: "check the URL"
        case .status(401, _), .status(403, _):
            "set MPO_JUDGE_API_KEY or OPENAI_API_KEY in the environment to a key that it takes"
        case .status(404, _): "check the URL, which ends before /chat/completions, and the model's name"
        case .status(429, _): "set judge_options.requests_per_minute or lower concurrency, and resume"
        case .status(500..., _): "look at the server, and resume"
        case .status: "look at what the server says"
        case .unknownModel: "write one that it has behind the #"
        case .nonsense(_, _, let form):
            "it must be \(form); take a model that follows instructions, or another judge_options.prompt"
        case .limit: "raise it and resume: what was answered is kept"
        case .cancelled: "resume"
        }
    }

    /// 2 for a judge that will not answer as long as it is asked so, 1 for one that may when it is asked again.
    package var exitStatus: Int32 {
        switch problem {
        case .unusable, .unknownModel, .nonsense: 2
        case .status(let status, _): status == 429 || status >= 500 ? 1 : 2
        case .unreachable, .limit, .cancelled: 1
        }
    }
}

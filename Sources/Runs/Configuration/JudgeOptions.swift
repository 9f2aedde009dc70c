import Configuration

/// How models behind servers are asked to judge: the block `judge_options` of a stage that has a reward.
package struct JudgeOptions: Sendable, Equatable {
    /// What is asked; `nil` where the stage has no such judge.
    package var mode: JudgeMode?
    /// A file with the question, in place of the built-in one.
    package var prompt: String?
    /// Most requests of the stage; `nil` for no bound.
    package var maxRequests: Int?
    /// Most requests in a minute; `nil` for no bound.
    package var requestsPerMinute: Double?
    /// Requests that a worker has under way at once.
    package var concurrency = 8
    /// Seconds to wait for an answer.
    package var timeout = 60.0
    /// How often a request is sent again that failed in passing.
    package var retries = 5
    /// Most tokens of an answer.
    package var maxTokens = 1024

    /// The defaults.
    package init() {}
}

/// What a judge is asked.
package enum JudgeMode: String, Sendable, ConfigurationWord {
    /// A number for a response.
    case score
    /// Which of two responses is the better one, in both orders.
    case pair
}

extension JudgeOptions: KeyedOptions {
    package static let fields = Field<Self>.list {
        Field(
            "mode", \.mode,
            default: "pair where a stage compares responses to a prompt, else score; null without such a judge",
            "What the model of an openai: reward is asked: score, a number for a response; pair, which of two responses is the "
                + "better one, in both orders (evaluate, sample, online_dpo).")
        Field(
            "prompt", \.prompt, .notEmpty, default: "the built-in question",
            "File with the question, which has {prompt} and {answer}, or {answer_a} and {answer_b}, where the texts go."
        )
        Field(
            "max_requests", \.maxRequests, .atLeast(1), effect: .free,
            "Most requests of the stage, of which several workers have equal shares; those sent again count, and those that "
                + "answered a question for an earlier start; null for no bound.")
        Field(
            "requests_per_minute", \.requestsPerMinute, .greaterThan(0), effect: .free,
            "Most requests a minute of the stage, of which several workers have equal shares; null for no bound.")
        Field("concurrency", \.concurrency, .atLeast(1), effect: .free, "Requests that a worker has under way at once.")
        Field("timeout", \.timeout, .greaterThan(0), effect: .free, "Seconds to wait for an answer.")
        Field(
            "retries", \.retries, .atLeast(0), effect: .free,
            "How often a request is sent again that met status 429 or 5xx, no answer in time, a cut connection or an answer that "
                + "is none; the first time after half a second, then after twice as long each time, or when the server says."
        )
        Field(
            "max_tokens", \.maxTokens, .atLeast(1),
            "Most tokens of an answer; a model that thinks before it answers needs many.")
    }

    /// The keys as a block of a stage's.
    package static func block<Options: KeyedOptions>(
        _ path: any WritableKeyPath<Options, JudgeOptions> & Sendable
    ) -> [Field<Options>] {
        Options.nest(name, path, fields)
    }

    /// The block's name.
    package static let name = "judge_options"

    /// Fills in what is asked.
    ///
    /// - Parameters:
    ///   - asked: Whether the stage has a judge behind a server.
    ///   - modes: What it can be asked there; the first is the default.
    /// - Throws: ``ConfigurationError``
    package mutating func resolve(_ scope: StageScope, asked: Bool, modes: [JudgeMode] = [.score]) throws {
        guard asked else { return }
        let mode = mode ?? modes[0]
        guard modes.contains(mode) else {
            throw scope.error(
                "\(Self.name).mode", "\(mode.rawValue) gives no numbers, which this stage needs",
                "write \(modes[0].rawValue), or leave it out")
        }
        self.mode = mode
    }
}

extension StageScope {
    /// Refuses options of judges behind servers in a stage that has none.
    func checkJudging(of stage: some Stage) throws {
        guard let judging = stage.judging, !stage.inputs.contains(where: \.reference.isJudge) else { return }
        let standard = JudgeOptions()
        guard let field = JudgeOptions.fields.first(where: { !$0.isSame(in: judging, as: standard) }) else { return }
        throw error(
            "\(JudgeOptions.name).\(field.key)", "has no meaning where no reward is openai:URL#MODEL",
            "leave it out, or name such a judge")
    }
}

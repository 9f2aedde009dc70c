import JSON

/// Which of the optional words of the protocol a server knows; it shows by what it refuses.
package struct ChatDialect: Sendable, Equatable {
    /// `response_format` with a JSON schema.
    private(set) var hasSchema = true
    /// `max_tokens`, which newer models have as `max_completion_tokens`.
    private(set) var hasMaxTokens = true
    private(set) var hasTemperature = true
    private(set) var hasSeed = true

    package init() {}

    /// The same without a word that a server has refused; `nil` where none is left to be at fault.
    ///
    /// - Parameter refusal: What the server said. Where it names none of them, the schema is meant.
    package func simpler(after refusal: String) -> ChatDialect? {
        var other = self
        if hasMaxTokens, refusal.contains("max_completion_tokens") { other.hasMaxTokens = false }
        if hasTemperature, refusal.contains("temperature") { other.hasTemperature = false }
        if hasSeed, refusal.contains("seed") { other.hasSeed = false }
        if hasSchema, other == self || refusal.contains("response_format") { other.hasSchema = false }
        return other == self ? nil : other
    }

    /// What is posted: the likeliest answer, which is the same each time as far as the server can do that.
    package func body(_ model: String, _ question: String, schema: JSON, maxTokens: Int, seed: Int) -> String {
        let message = Self.object([("role", .string("user")), ("content", .string(question))])
        var entries: [(String, JSON)] = [
            ("model", .string(model)), ("messages", .array([message])), ("stream", .bool(false)),
            (hasMaxTokens ? "max_tokens" : "max_completion_tokens", .number(maxTokens)),
        ]
        if hasTemperature { entries.append(("temperature", .number(0))) }
        if hasSeed { entries.append(("seed", .number(seed))) }
        if hasSchema {
            let named = Self.object([("name", .string("answer")), ("strict", .bool(true)), ("schema", schema)])
            entries.append(
                ("response_format", Self.object([("type", .string("json_schema")), ("json_schema", named)])))
        }
        return Self.object(entries).compact
    }

    private static func object(_ entries: [(String, JSON)]) -> JSON {
        .object(JSONObject(uniqueKeysWithValues: entries))
    }
}

/// What a server answers with.
enum ChatReply {
    /// The text of its first choice.
    static func text(of body: String) -> Result<String, CommandAnswerFault> {
        guard case .object(let message)? = choice(in: body)?["message"] else {
            return .failure(CommandAnswerFault("which is no chat completion"))
        }
        return .success(message["content"]?.text ?? "")
    }

    /// Whether that text ends where no more tokens were allowed.
    static func isCut(_ body: String) -> Bool { choice(in: body)?["finish_reason"]?.text == "length" }

    private static func choice(in body: String) -> JSONObject? {
        guard let answer = try? JSON(parsing: body), case .object(let object) = answer,
            case .array(let choices)? = object["choices"], case .object(let choice)? = choices.first
        else { return nil }
        return choice
    }

    /// The names in a list of models; `nil` where it is none.
    static func models(in body: String) -> [String]? {
        guard let answer = try? JSON(parsing: body), case .object(let object) = answer,
            case .array(let models)? = object["data"]
        else { return nil }
        return models.compactMap { if case .object(let model) = $0 { model["id"]?.text } else { nil } }
    }
}

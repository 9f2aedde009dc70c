import JSON

/// Turns that are written otherwise, or stand elsewhere.
extension RowLayout {
    private static let columns = ["prompt", "messages", "conversations", "completion", "chosen", "rejected"]

    /// `from` and `value` for `role` and `content`, and the roles that go with them.
    static let turns = [
        RowLayout(name: "ShareGPT's turns ('from' and 'value')") { fields in
            fields.mappingTurns(of: columns) { turn in
                guard turn["role"] == nil, let from = turn["from"]?.text, let value = turn["value"] else { return nil }
                return turn.replacing(
                    ["from", "value"], by: [("role", .string(role(from))), ("content", value)])
            }
        },
        RowLayout(name: "turns of 'human' and 'gpt'") { fields in
            fields.mappingTurns(of: columns) { turn in
                guard let name = turn["role"]?.text, ["human", "gpt", "chatgpt"].contains(name) else { return nil }
                return turn.replacing([], by: [("role", .string(role(name)))])
            }
        },
    ]

    private static func role(_ name: String) -> String {
        switch name.lowercased() {
        case "human", "user": "user"
        case "gpt", "chatgpt", "bot", "model", "assistant": "assistant"
        default: name
        }
    }

    /// `conversations` for `messages`.
    static let conversations = RowLayout(name: "ShareGPT's 'conversations'") { fields in
        guard fields.lacks("messages"), fields.turns("conversations") != nil, let turns = fields["conversations"] else {
            return nil
        }
        return fields.replacing(["conversations"], by: [("messages", turns)])
    }

    /// A response as one turn in place of a list of one.
    static let answerObjects = RowLayout(name: "responses that are one turn each") { fields in
        var (arranged, isChanged) = (fields, false)
        for key in ["chosen", "rejected", "completion"] {
            guard case .object(let turn)? = fields[key], turn["role"]?.text != nil else { continue }
            arranged[key] = .array([.object(turn)])
            isChanged = true
        }
        return isChanged ? arranged : nil
    }

    /// The prompt's turns under `messages`, beside responses.
    static let messagesBesidePair = RowLayout(name: "a prompt in 'messages'") { fields in
        guard fields.lacks("prompt"), !fields.lacks("chosen"), !fields.lacks("rejected"),
            let turns = fields.turns("messages"), turns.last?["role"]?.text != "assistant",
            let messages = fields["messages"], fields.turns("chosen")?.first != turns.first
        else { return nil }
        return fields.replacing(["messages"], by: [("prompt", messages)])
    }

    /// Turns of a prompt that both responses repeat.
    static let promptInsidePair = RowLayout(name: "conversations that repeat their prompt's turns") { fields in
        guard let prompt = fields.turns("prompt"), let chosen = fields.turns("chosen"),
            let rejected = fields.turns("rejected"), chosen.starts(with: prompt), rejected.starts(with: prompt)
        else { return nil }
        let answers = { (turns: [JSONObject]) in JSON.array(turns.dropFirst(prompt.count).map { .object($0) }) }
        guard chosen.count > prompt.count, rejected.count > prompt.count else { return nil }
        return fields.replacing([], by: [("chosen", answers(chosen)), ("rejected", answers(rejected))])
    }

    /// A question as text, and answers as turns.
    static let questionBesideAnswers = RowLayout(name: "a question as text and answers as turns") { fields in
        guard let question = fields.words("prompt"), fields.turns("chosen")?.first?["role"]?.text == "assistant",
            fields.turns("rejected")?.first?["role"]?.text == "assistant"
        else { return nil }
        return fields.replacing([], by: [("prompt", .only("user", question))])
    }

    /// A system message in a column of its own.
    static let system = RowLayout(name: "a system message in a column") { fields in
        guard let key = fields.keys.first(where: \.namesSystemMessage), let text = fields.words(key) else { return nil }
        let message = JSON.turn("system", text)
        func isWithout(_ turns: [JSONObject]) -> Bool {
            !turns.contains { $0["role"]?.text == "system" || $0["content"]?.text?.containsBytes(of: text) == true }
        }
        func prefixed(_ turns: [JSONObject]) -> JSON { .array([message] + turns.map { .object($0) }) }
        if let turns = fields.turns("prompt") {
            return isWithout(turns) ? fields.replacing([key], by: [("prompt", prefixed(turns))]) : nil
        }
        if let chosen = fields.turns("chosen"), let rejected = fields.turns("rejected") {
            guard isWithout(chosen), isWithout(rejected) else { return nil }
            return fields.replacing([key], by: [("chosen", prefixed(chosen)), ("rejected", prefixed(rejected))])
        }
        if let prompt = fields.words("prompt") {
            guard !prompt.containsBytes(of: text), !Transcript.matches(prompt) else { return nil }
            return fields.replacing([key], by: [("prompt", .array([message, .turn("user", prompt)]))])
        }
        if let turns = fields.turns("messages"), isWithout(turns) {
            return fields.replacing([key], by: [("messages", prefixed(turns))])
        }
        return nil
    }
}

extension JSONObject {
    /// The same with turns changed; `nil` where none is.
    fileprivate func mappingTurns(of columns: [String], _ change: (JSONObject) -> JSONObject?) -> JSONObject? {
        var fields = self
        var isChanged = false
        for key in columns {
            let items: [JSON]
            switch self[key] {
            case .array(let list)?: items = list
            case .object(let turn)?: items = [.object(turn)]
            default: continue
            }
            let changed = items.map { item -> JSON? in
                if case .object(let turn) = item { change(turn).map { .object($0) } } else { nil }
            }
            guard changed.contains(where: { $0 != nil }) else { continue }
            isChanged = true
            let turns = zip(changed, items).map { $0 ?? $1 }
            fields[key] = if case .object? = self[key] { turns[0] } else { .array(turns) }
        }
        return isChanged ? fields : nil
    }
}

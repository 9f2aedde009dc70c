import JSON

/// Prompts and responses under other names.
extension RowLayout {
    /// Instructions and questions, with answers to learn or to choose from.
    static let instructions = [
        RowLayout(name: "'chosen_response' and 'rejected_response'") { fields in
            guard fields.lacks("chosen", "rejected"), let chosen = fields["chosen_response"],
                let rejected = fields["rejected_response"], !chosen.isBlank, !rejected.isBlank
            else { return nil }
            return fields.replacing(
                ["chosen_response", "rejected_response"], by: [("chosen", chosen), ("rejected", rejected)])
        },
        RowLayout(name: "Alpaca ('instruction', 'input')") { fields in
            guard fields.lacks("prompt", "messages", "question"), let instruction = fields.words("instruction"),
                fields.answers("output")
            else { return nil }
            let input = fields.words("input").map { "\n\($0)" } ?? ""
            return fields.asking(instruction + input, instead: ["instruction", "input"], answer: "output")
        },
        RowLayout(name: "questions ('question')") { fields in
            guard fields.lacks("prompt", "messages", "instruction", "input"), fields.isWholeQuestion,
                let question = fields.words("question"), fields.answers("answer")
            else { return nil }
            return fields.asking(question, instead: ["question"], answer: "answer", keepsAnswer: true)
        },
        RowLayout(name: "questions ('system', 'input')") { fields in
            guard fields.lacks("prompt", "messages", "question", "instruction"), let input = fields.words("input"),
                fields.keys.contains(where: \.namesSystemMessage), fields.words("chosen") != nil
            else { return nil }
            return fields.asking(input, instead: ["input"], answer: "output")
        },
        RowLayout(name: "'prompt' and 'response'") { fields in
            guard fields.lacks("completion", "chosen", "rejected", "messages", "text"),
                fields.lacks("helpfulness") || fields["label"] != nil,
                !["is_safe", "is_response_safe"].contains(where: { fields[$0] == .bool(false) }),
                fields.words("prompt") != nil, let response = fields.words("response")
            else { return nil }
            return fields.replacing(["response"], by: [("completion", .string(response))])
        },
    ]
}

extension JSONObject {
    /// Whether no other column holds a part of what is asked.
    fileprivate var isWholeQuestion: Bool {
        lacks(
            "context", "options", "choices", "article", "passage", "story", "evidence", "document", "documents",
            "table",
            "image", "images")
    }

    /// Whether there is an answer to learn, or a pair of texts to choose from.
    fileprivate func answers(_ key: String) -> Bool {
        (words("chosen") != nil && words("rejected") != nil)
            || (lacks("chosen", "rejected", "completion") && words(key) != nil)
    }

    /// A question and its answers as turns, in place of columns; an answer that stays may be compared with.
    fileprivate func asking(
        _ question: String, instead columns: [String], answer: String, keepsAnswer: Bool = false
    ) -> JSONObject {
        var fields = replacing(columns, by: [("prompt", .only("user", question))])
        for key in ["chosen", "rejected"] {
            if let text = words(key) { fields[key] = .only("assistant", text) }
        }
        guard lacks("chosen", "rejected"), let text = words(answer) else { return fields }
        fields["completion"] = .only("assistant", text)
        if !keepsAnswer { fields[answer] = nil }
        return fields
    }
}

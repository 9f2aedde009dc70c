import JSON

/// Rows behind each other with one prompt, an answer each and its scores, as HelpSteer and HelpSteer2 have them. The most helpful
/// answer and the least helpful one make a pair.
struct ScoredAnswers {
    /// Where the first of them stands.
    let source: RecordSource
    private let prompt: String
    private var rows: [(fields: JSONObject, helpfulness: Double)]

    /// Begins with a row; `nil` for one of another layout.
    init?(_ fields: JSONObject, source: RecordSource) {
        guard let helpfulness = fields["helpfulness"]?.double, let prompt = fields.words("prompt"),
            fields["label"] == nil, fields.words("response") != nil,
            fields.lacks("completion", "chosen", "rejected", "messages", "text")
        else { return nil }
        (self.source, self.prompt, rows) = (source, prompt, [(fields, helpfulness)])
    }

    /// Takes the rows of another that follow these; false where those are of another prompt.
    mutating func take(_ other: ScoredAnswers) -> Bool {
        guard other.prompt.utf8.elementsEqual(prompt.utf8), other.context == context else { return false }
        rows += other.rows
        return true
    }

    /// What the rows say beside the prompt of what is asked.
    private var context: JSONObject {
        JSONObject(
            uniqueKeysWithValues: rows[0].fields.entries.filter { entry in
                entry.key.namesSystemMessage || ["tools", "documents", "chat_template_kwargs"].contains(entry.key)
            }.map { ($0.key, $0.value) })
    }

    /// Why the rows make no pair, where they make none.
    var undecided: RecordRemark { rows.count == 1 ? .loneAnswer : .undecided }

    /// The pair as a row. Columns that are numbers, or differ between both answers, become `chosen_` and `rejected_` columns.
    var arranged: ArrangedRow {
        let turns = ("prompt", JSON.helpSteerTurns(prompt))
        guard let best = rows.max(by: { $0.helpfulness < $1.helpfulness }),
            let worst = rows.min(by: { $0.helpfulness < $1.helpfulness }), best.helpfulness > worst.helpfulness
        else {
            return ArrangedRow(
                fields: rows[0].fields.replacing(["response"], by: [turns]).arranged().fields, layouts: [Self.name],
                isUndecided: true)
        }
        var pair = JSONObject(uniqueKeysWithValues: [turns])
        for (name, fields) in [("chosen", best.fields), ("rejected", worst.fields)] {
            pair[name] = .only("assistant", fields.words("response") ?? "")
            for entry in fields.entries where !["prompt", "response"].contains(entry.key) {
                let isShared =
                    entry.value.double == nil && [best, worst].allSatisfy { $0.fields[entry.key] == entry.value }
                pair[isShared ? entry.key : "\(name)_\(entry.key)"] = entry.value
            }
        }
        return ArrangedRow(fields: pair.arranged().fields, layouts: [Self.name])
    }

    private static let name = "HelpSteer2 (of the rows of a prompt the most and the least helpful are read)"
}

extension JSON {
    /// The turns of a prompt of HelpSteer2: behind the first of the user they begin with `<extra_id_1>` and a role on a line.
    static func helpSteerTurns(_ prompt: String) -> JSON {
        let roles = [("User\n", "user"), ("Assistant\n", "assistant")]
        var turns: [JSON] = []
        var (rest, role) = (prompt[...], "user")
        while let mark = rest.firstRange(of: "<extra_id_1>") {
            let content = rest[..<mark.lowerBound]
            turns.append(turn(role, String(content.hasSuffix("\n") ? content.dropLast() : content)))
            rest = rest[mark.upperBound...]
            guard let next = roles.first(where: { rest.hasPrefix($0.0) }) else { return only("user", prompt) }
            rest = rest.dropFirst(next.0.count)
            role = next.1
        }
        return role == "user" ? .array(turns + [turn(role, String(rest))]) : only("user", prompt)
    }
}

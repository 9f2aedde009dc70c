import JSON

/// A layout of rows that well-used datasets have, and how it becomes the one that records are read from.
struct RowLayout: Sendable {
    /// What the log calls it.
    let name: String
    /// The row in the other layout; `nil` where it is not of this one.
    let arrange: @Sendable (JSONObject) throws(UndecidedRow) -> JSONObject?
}

/// Why a row of answers to one prompt is no pair: none of them is the better one.
struct UndecidedRow: Error {
    /// The row with its prompt alone.
    let prompt: JSONObject
}

/// A row in the layout that records are read from.
struct ArrangedRow {
    /// Its own columns stand behind.
    var fields: JSONObject
    /// The names of the layouts it had.
    var layouts: [String] = []
    /// Whether its prompt is all that is left of it.
    var isUndecided = false
}

extension RowLayout {
    /// All that are known, in the order in which they are tried: what one leaves, the next may arrange further.
    static let known: [RowLayout] =
        turns + [.conversations, .answerObjects] + comparisons + instructions + [
            .messagesBesidePair, .promptInsidePair, .questionBesideAnswers, .system,
        ]
}

extension JSONObject {
    /// The row in the layout that records are read from.
    func arranged() -> ArrangedRow {
        var row = ArrangedRow(fields: self)
        for layout in RowLayout.known {
            do {
                guard let arranged = try layout.arrange(row.fields) else { continue }
                row.fields = arranged
            } catch {
                (row.fields, row.isUndecided) = (error.prompt, true)
            }
            row.layouts.append(layout.name)
        }
        if !row.layouts.isEmpty { row.fields = row.fields.extended(by: self) }
        return row
    }
}

// MARK: What layouts are made of

extension JSONObject {
    /// Whether none of these columns is there with something in it.
    func lacks(_ keys: String...) -> Bool { !keys.contains { self[$0].map { !$0.isBlank } ?? false } }

    /// A text that is not empty.
    func words(_ key: String) -> String? {
        guard let text = self[key]?.text, !text.trimmed.isEmpty else { return nil }
        return text
    }

    /// The turns of a column that is a list of them.
    func turns(_ key: String) -> [JSONObject]? {
        guard case .array(let items)? = self[key], !items.isEmpty else { return nil }
        let turns = items.compactMap { item -> JSONObject? in
            if case .object(let turn) = item, turn["role"]?.text != nil { turn } else { nil }
        }
        return turns.count == items.count ? turns : nil
    }

    /// The same without some columns, and with others behind them.
    func replacing(_ removed: [String], by added: [(String, JSON)]) -> JSONObject {
        var fields = self
        for key in removed { fields[key] = nil }
        for (key, value) in added { fields[key] = value }
        return fields
    }
}

extension JSON {
    /// One turn.
    static func turn(_ role: String, _ content: String) -> JSON {
        .object(JSONObject(uniqueKeysWithValues: [("role", .string(role)), ("content", .string(content))]))
    }

    /// A conversation of one turn.
    static func only(_ role: String, _ content: String) -> JSON { .array([turn(role, content)]) }
}

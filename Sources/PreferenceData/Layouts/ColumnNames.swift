import JSON

/// Which columns of a dataset hold what records are read from, where they have other names (`dataset.columns`).
public struct ColumnNames: Sendable, Equatable {
    /// What may have another name.
    public static let known = [
        "prompt", "system", "chosen", "rejected", "completion", "messages", "label", "answer", "tools", "documents",
        "chat_template_kwargs",
    ]
    /// Those that no row needs.
    private static let optional: Set<String> = [
        "system", "label", "answer", "tools", "documents", "chat_template_kwargs",
    ]
    /// Stands for a column of one of ``optional`` that is not read.
    private static let none = "none"

    /// The column of each that has one.
    public var names: [String: String]

    /// Columns under other names; none by default.
    public init(_ names: [String: String] = [:]) { self.names = names }

    /// Those of ``names`` that no row needs, so that a row without one is no bad one.
    var optionalNames: [(name: String, column: String)] {
        Self.known.compactMap { name in
            guard let column = names[name], column != Self.none, Self.optional.contains(name) else { return nil }
            return (name, column)
        }
    }

    /// The row with its columns under the names that records are read from.
    ///
    /// A row that has neither is one that a stage of the run left, or a row without a system message or a label: it stays.
    ///
    /// - Throws: ``RecordError`` where a column that every row needs is missing.
    func rename(_ fields: JSONObject) throws(RecordError) -> JSONObject {
        guard !names.isEmpty else { return fields }
        var renamed = fields
        for name in Self.known {
            guard let column = names[name], column != name else { continue }
            if column == Self.none, Self.optional.contains(name), fields[column] == nil {
                renamed[name] = nil
                continue
            }
            guard let value = fields[column] else {
                guard fields[name] == nil, !Self.optional.contains(name) else { continue }
                throw RecordError(
                    "has no column '\(column)', from which dataset.columns takes \(name); it has \(fields.keyList)")
            }
            if !names.contains(where: { $0.key == column }) { renamed[column] = nil }
            renamed[name] = value
        }
        return renamed
    }
}

import JSON

/// Columns that are to be read, that no row needs, and that no row had: someone mistyped them, or meant other data.
public struct AbsentColumns: Sendable {
    /// What would be read from each.
    public private(set) var columns: [(name: String, column: String)]
    /// The columns of the first row, for a message to the user.
    public private(set) var found: String?

    init(_ names: ColumnNames) { columns = names.optionalNames }

    /// Takes those out that a row has.
    mutating func see(_ fields: JSONObject) {
        guard !columns.isEmpty else { return }
        found = found ?? fields.keyList
        columns.removeAll { fields[$0.column] != nil }
    }
}

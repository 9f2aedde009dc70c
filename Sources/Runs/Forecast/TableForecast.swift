/// A table that a stage keeps of what a frozen model says of a data set.
///
/// A stage reads that of an earlier one, in place of making its own, where it is of the same model and tokens and has every
/// column that is asked for.
package struct TableForecast: Equatable {
    /// The model, the data, and what else decides about tokens, in words.
    package var subject: String
    /// Columns of tokens, by name.
    package var columns: Set<String>
    /// Its directory's size; `nil` where only an earlier stage will tell.
    package var bytes: Int?

    package init(subject: String, columns: Set<String> = [], bytes: Int?) {
        (self.subject, self.columns, self.bytes) = (subject, columns, bytes)
    }

    fileprivate func serves(_ other: TableForecast) -> Bool {
        subject == other.subject && columns.isSuperset(of: other.columns)
    }
}

extension [StageForecast] {
    /// The tables that each stage makes, being there from no earlier one.
    var madeTables: [[TableForecast]] {
        var there: [TableForecast] = []
        return map { stage in
            stage.tables.filter { table in
                defer { there.append(table) }
                return !there.contains { $0.serves(table) }
            }
        }
    }
}

import Configuration
import JSON
import PreferenceData
import Runs

/// A verifier: whether the answer in a response is that of its row's column.
package struct AnswerRule: Sendable, Equatable {
    /// What of a text is its answer.
    package enum Form: Sendable, Equatable {
        /// Its last number.
        case lastNumber
        /// What follows the last of these marks, without white space around it.
        case after(mark: String)
    }

    private let form: Form
    /// The column that holds the right answer.
    package let column: String

    /// A comparison with `column`, whose name has no white space around it.
    package init(_ form: Form, column: String) {
        (self.form, self.column) = (form, String(column.trimmed))
    }

    /// The answer in a response; `nil` where it gives none.
    package func answer(in response: String) -> String? {
        switch form {
        case .lastNumber: PlainNumber(lastOf: response)?.text
        case .after(let mark): response.lastRange(of: mark).map { String(response[$0.upperBound...].trimmed) }
        }
    }

    /// Whether a response gives the answer of its row.
    ///
    /// - Throws: As ``expected(in:source:)``.
    func accepts(_ response: String, columns: JSONObject, source: RecordSource?) throws(RunError) -> Bool {
        guard let answer = answer(in: response) else {
            _ = try expected(in: columns, source: source)
            return false
        }
        return answer.utf8.elementsEqual(try expected(in: columns, source: source).utf8)
    }

    /// The right answer: a number or text, of which the same counts as of a response, or all where a text has no mark.
    ///
    /// - Throws: ``RunError/other(_:)`` with file and line where the column is missing or holds no answer.
    package func expected(in columns: JSONObject, source: RecordSource?) throws(RunError) -> String {
        let text: String
        switch columns[column] {
        case .string(let string)?: text = string
        case .number(let digits)?: text = digits
        case nil: throw missing(from: columns.otherColumns.keys, source)
        case let other?: throw fault("is \(other.kind), not a number or a text", source)
        }
        switch form {
        case .lastNumber:
            guard let number = PlainNumber(lastOf: text) else { throw fault("has no number in it", source) }
            return number.text
        case .after(let mark):
            let answer = answer(in: text) ?? String(text.trimmed)
            guard !answer.isEmpty else { throw fault("has no answer behind '\(mark)'", source) }
            return answer
        }
    }

    private func missing(from columns: [String], _ source: RecordSource?) -> RunError {
        let nearest = NearestName.of(column, in: columns)
        let others = columns.isEmpty ? "no other columns" : columns.map { "'\($0)'" }.joined(separator: ", ")
        return fault(
            "is missing", source,
            nearest.map { "; did you mean '\($0)'?" } ?? "; beside prompt and responses the row has \(others)")
    }

    private func fault(_ problem: String, _ source: RecordSource?, _ remedy: String = "") -> RunError {
        let place = source.map { "\($0): " } ?? ""
        return .other("\(place)'\(column)' \(problem), which reward \(self) compares responses with\(remedy)")
    }
}

extension AnswerRule: CustomStringConvertible {
    /// As it is written in a configuration.
    package var description: String {
        switch form {
        case .lastNumber: "rule:number:\(column)"
        case .after(let mark): "rule:after:\(mark):\(column)"
        }
    }
}

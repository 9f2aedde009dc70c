import Foundation
import JSON
import PreferenceData
import Runs

/// A reward that came with the data: of pairs the columns `NAME_chosen` and `NAME_rejected`, or `chosen_NAME` and
/// `rejected_NAME`.
package struct ColumnReward: Sendable {
    private let name: String

    /// - Parameter name: What follows `column:`.
    package init(_ name: String) { self.name = name }

    /// The rewards of a pair's responses.
    ///
    /// - Throws: ``RunError/other(_:)`` with file and line, where a column is missing or no number to compute with.
    package func scores(of record: PreferencePair) throws(RunError) -> (chosen: Double, rejected: Double) {
        (try score(record, of: "chosen"), try score(record, of: "rejected"))
    }

    private func score(_ record: PreferencePair, of response: String) throws(RunError) -> Double {
        let keys = ["\(name)_\(response)", "\(response)_\(name)"]
        let key = keys.first { record.fields[$0] != nil } ?? keys[0]
        guard let value = record.fields[key] else {
            let numbers = record.fields.entries.filter { $0.value.double != nil }.map { "'\($0.key)'" }
            let known = numbers.isEmpty ? "no numbers" : numbers.joined(separator: ", ")
            throw .other(
                "\(record.source): '\(key)' is missing, which reward column:\(name) reads; the row has \(known)")
        }
        guard let number = value.double else {
            throw .other(
                "\(record.source): '\(key)' is \(value.kind); reward column:\(name) needs a number in every row")
        }
        if let fault = ScoreRange.fault(of: number) { throw .other("\(record.source): '\(key)' \(fault)") }
        return number
    }
}

extension StageStart {
    /// Checks that a reward can score these pairs: a column that it is in every one of them, as one is that its rule compares
    /// with, anything else as ``checkReward(_:for:ofPrompts:limit:)`` does.
    package func checkReward(
        _ reference: ArtifactReference, for key: String, ofPairs pairs: [ArtifactReference]
    ) throws {
        guard case .column(let name) = reference else { return try checkReward(reference, for: key, ofPrompts: pairs) }
        let column = ColumnReward(name)
        try Dataset<PreferencePair>.read(
            pairs.flatMap(sources), onBadRecord: configuration.dataset.onBadRecord,
            columns: configuration.dataset.columns
        ) {
            _ = try column.scores(of: $0)
        }
    }
}

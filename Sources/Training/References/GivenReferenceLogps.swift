import Foundation
import JSON
import PreferenceData
import Runs

/// Sums under the reference that came with the data, in TRL's columns `ref_chosen_logps` and `ref_rejected_logps`.
package struct GivenReferenceLogps: Sendable {
    /// Of each pair that is kept, in order; empty where the data has none.
    package private(set) var logps: [ReferenceLogps] = []
    private var sources: [RecordSource] = []
    private var firstWithout: RecordSource?

    private static let keys = ["ref_chosen_logps", "ref_rejected_logps"]

    package init() {}

    /// Takes in the record of a pair that is kept.
    ///
    /// - Throws: ``RunError/other(_:)`` where only some records have numbers, with the file and line of one that has none,
    ///   and for a number that is no logarithm of a probability.
    package mutating func take(_ record: PreferencePair) throws(RunError) {
        let values = Self.keys.map { record.fields[$0] }
        guard values.contains(where: { $0 != nil }) else {
            firstWithout = firstWithout ?? record.source
            if !logps.isEmpty { throw missing(at: record.source) }
            return
        }
        if let firstWithout { throw missing(at: firstWithout) }
        for (key, value) in zip(Self.keys, values) {
            guard let problem = Self.problem(of: value) else { continue }
            throw .other(
                "\(record.source): '\(key)' is \(problem); give both columns a number in every row, or take them out")
        }
        logps.append(ReferenceLogps(chosen: values[0]?.double ?? .nan, rejected: values[1]?.double ?? .nan))
        sources.append(record.source)
    }

    /// Where files of pairs begin with one that has such numbers; `nil` where none does.
    private static func source(in files: [URL], onBadRecord: BadRecordPolicy, columns: ColumnNames) -> RecordSource? {
        files.lazy.compactMap { file in
            // What cannot be read is told where data is checked.
            let first = try? Dataset<PreferencePair>(
                reading: [file], onBadRecord: onBadRecord, columns: columns, limit: 1
            ).records.first
            return first.flatMap { record in keys.contains { record.fields[$0] != nil } ? record.source : nil }
        }.first
    }

    private static func problem(of value: JSON?) -> String? {
        guard let value else { return "missing" }
        guard value != .null else { return "null" }
        guard let number = value.double, Float(number).isFinite else { return "no finite number" }
        return number > 0 ? "\(HumanFormat.metric(number)), which no logarithm of a probability is, being above 0" : nil
    }

    /// Reads files of pairs for what ``take(_:)`` throws, where one of them begins with a record that has such numbers.
    ///
    /// - Returns: That record's source; `nil` where there is none, and nothing was read through.
    package static func check(_ files: [URL], onBadRecord: BadRecordPolicy, columns: ColumnNames) throws
        -> RecordSource?
    {
        guard let source = source(in: files, onBadRecord: onBadRecord, columns: columns) else { return nil }
        var given = GivenReferenceLogps()
        try Dataset<PreferencePair>.read(files, onBadRecord: onBadRecord, columns: columns) { try given.take($0) }
        return source
    }

    private func missing(at source: RecordSource) -> RunError {
        .other(
            "\(source): '\(Self.keys[0])' and '\(Self.keys[1])' are missing, which other rows have; give every row "
                + "both, or take them out")
    }

    /// A hash over all numbers.
    package var fingerprint: UInt64 {
        FNV1a.hash(
            logps.lazy.flatMap { row in
                [row.chosen, row.rejected].flatMap { number in withUnsafeBytes(of: number.bitPattern) { Array($0) } }
            })
    }

    // MARK: Spot check

    /// The numbers of a few pairs, spread over all, whose sums are compared with the model's.
    package var checkedNumbers: [Int] {
        let last = logps.count - 1
        return last < Self.checked ? Array(logps.indices) : (0..<Self.checked).map { $0 * last / (Self.checked - 1) }
    }

    private static let checked = 8

    /// How far a sum may be from the model's.
    ///
    /// Computed in bfloat16, a sum over a hundred tokens was off by up to 0.41 % of itself (60 conversations of HH-RLHF under
    /// stories260K), in float32 by a thousandth of that. Another model, template or end of the response is off by more in
    /// at least one of sixteen responses.
    package static func tolerance(of sum: Double) -> Double { 0.05 + 0.005 * abs(sum) }

    /// Compares the sums of one pair with the model's.
    ///
    /// - Throws: ``RunError/other(_:)`` that names the row, where they are not of this model, template and lengths.
    package func check(_ model: ReferenceLogps, at number: Int, named name: String) throws {
        let given = logps[number]
        for (key, sum, expected) in [
            (Self.keys[0], given.chosen, model.chosen), (Self.keys[1], given.rejected, model.rejected),
        ] where !(abs(sum - expected) <= Self.tolerance(of: expected)) {
            throw RunError.other(
                "\(sources[number]): '\(key)' is \(HumanFormat.metric(sum)), but under reference \(name), with this "
                    + "template and these lengths, it is \(HumanFormat.metric(expected)); take the columns out to have them "
                    + "computed, or name the reference that they are of")
        }
    }
}

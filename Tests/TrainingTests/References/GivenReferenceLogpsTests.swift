import JSON
import PreferenceData
import Runs
import Testing
import Training

@Suite("Reference sums that come with the data")
struct GivenReferenceLogpsTests {
    /// Records of `data.jsonl` with these fields beside a pair.
    private func take(_ fields: [[String: JSON]]) throws -> GivenReferenceLogps {
        var given = GivenReferenceLogps()
        for (index, fields) in fields.enumerated() {
            var pair = PreferencePair(
                index: index, source: RecordSource(file: "data.jsonl", line: index + 1), prompt: .text("a"),
                chosen: .text("b"), rejected: .text("c"))
            for (key, value) in fields { pair.fields[key] = value }
            try given.take(pair)
        }
        return given
    }

    private static let row: [String: JSON] = [
        "ref_chosen_logps": .number("-10.5"), "ref_rejected_logps": .number("-12"),
    ]

    @Test("They are taken where every row has both, and none are where none has any")
    func taken() throws {
        #expect(
            try take([Self.row, Self.row]).logps
                == Array(repeating: ReferenceLogps(chosen: -10.5, rejected: -12), count: 2))
        #expect(try take([[:], ["ref": .number("1")]]).logps.isEmpty)
    }

    @Test(
        "Rows without them, beside others that have them, are refused with file and line",
        arguments: [
            (
                [row, [:]],
                "data.jsonl:2: 'ref_chosen_logps' and 'ref_rejected_logps' are missing, which other rows have"
            ),
            (
                [[:], [:], row],
                "data.jsonl:1: 'ref_chosen_logps' and 'ref_rejected_logps' are missing, which other rows have"
            ),
            ([row, ["ref_chosen_logps": .number("-1")]], "data.jsonl:2: 'ref_rejected_logps' is missing"),
            (
                [["ref_chosen_logps": .null, "ref_rejected_logps": .number("1")]],
                "data.jsonl:1: 'ref_chosen_logps' is null"
            ),
            (
                [row, row, ["ref_chosen_logps": .number("-1"), "ref_rejected_logps": .string("NaN")]],
                "data.jsonl:3: 'ref_rejected_logps' is no finite number"
            ),
            (
                [["ref_chosen_logps": .number("1e999"), "ref_rejected_logps": .number("1")]],
                "data.jsonl:1: 'ref_chosen_logps' is no finite number"
            ),
            (
                [row, ["ref_chosen_logps": .number("-1"), "ref_rejected_logps": .number("-1e39")]],
                "data.jsonl:2: 'ref_rejected_logps' is no finite number"
            ),
            (
                [row, ["ref_chosen_logps": .number("5.0"), "ref_rejected_logps": .number("-1")]],
                "data.jsonl:2: 'ref_chosen_logps' is 5, which no logarithm of a probability is"
            ),
        ] as [([[String: JSON]], String)])
    func mixed(fields: [[String: JSON]], message: String) throws {
        let error = #expect(throws: RunError.self) { try take(fields) }
        let text = error.map { "\($0)" } ?? ""
        #expect(text.hasPrefix(message), "\(text)")
        #expect(text.hasSuffix("or take them out"))
    }

    @Test("A few rows are checked, from the first to the last")
    func places() throws {
        #expect(try take(Array(repeating: Self.row, count: 3)).checkedNumbers == [0, 1, 2])
        let places = try take(Array(repeating: Self.row, count: 100)).checkedNumbers
        #expect(places.count == 8 && places.first == 0 && places.last == 99 && Set(places).count == 8)
    }

    @Test("Rounding passes; another model's sum is refused with the row and the key")
    func checked() throws {
        let given = try take([Self.row, Self.row])
        try given.check(ReferenceLogps(chosen: -10.55, rejected: -12.05), at: 1, named: "base")
        let error = #expect(throws: RunError.self) {
            try given.check(ReferenceLogps(chosen: -10.5, rejected: -13), at: 1, named: "base")
        }
        let text = error.map { "\($0)" } ?? ""
        #expect(
            text.hasPrefix("data.jsonl:2: 'ref_rejected_logps' is -12") && text.contains("reference base"), "\(text)")
        #expect(throws: RunError.self) {
            try given.check(ReferenceLogps(chosen: .nan, rejected: -12), at: 0, named: "base")
        }
    }

    @Test("Their hash tells other numbers, and other orders")
    func fingerprint() throws {
        let other: [String: JSON] = ["ref_chosen_logps": .number("-10.25"), "ref_rejected_logps": .number("-12")]
        let prints = try [[Self.row, other], [other, Self.row], [Self.row, Self.row]].map { try take($0).fingerprint }
        #expect(Set(prints).count == 3)
    }
}

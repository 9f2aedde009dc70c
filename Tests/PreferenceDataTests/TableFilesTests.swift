import Foundation
import JSON
import PreferenceData
import TestSupport
import Testing

@Suite("CSV and TSV")
struct TableFilesTests {
    private func rows(_ text: String, onBadRecord: BadRecordPolicy = .fail) throws -> Dataset<Prompt> {
        try withFile(text, named: "data.csv") { try Dataset(reading: [$0], onBadRecord: onBadRecord) }
    }

    private func first(_ text: String) throws -> JSON { .object(try rows(text).records[0].fields) }

    private func json(_ text: String) throws -> JSON { try JSON(parsing: text) }

    @Test(arguments: ["quoted.csv", "quoted.tsv", "quoted-all.csv"])
    func `Quotes hold separators, line breaks and quotes, as Python writes them`(name: String) throws {
        let records = try Dataset<PreferencePair>(reading: [TestSupport.fixture("tables/\(name)")]).records
        #expect(records.map(\.prompt) == ["a, \"b\"\nc", "q", "\t;|"].map { .text($0) })
        #expect(records.map(\.chosen) == ["42", "é\r\n\r\n🙂", "1e5"].map { .text($0) })
        #expect(records.map(\.rejected) == [" x ", "\"", "NA"].map { .text($0) })
        #expect(records.map(\.source.line) == [2, 4, 7])
        let empty: JSON = name == "quoted-all.csv" ? .string("") : .null
        #expect(records.map { $0.fields["score"] } == [.number("0.5"), empty, .number("-2")])
        #expect(records.map { $0.fields["label"] } == [.bool(true), .bool(false), empty])
        #expect(records.map { $0.fields["id"] } == [.string("007"), .string("8"), .string("null")])
        #expect(records.map { $0.fields["note"] } == [empty, .string("n"), empty])
    }

    @Test func `Columns hold numbers or booleans where all of their values are, and layouts' texts stay texts`() throws
    {
        #expect(try first("prompt,a,b,c\n1,2,TRUE,x\n") == json(#"{"prompt":"1","a":2,"b":true,"c":"x"}"#))
        #expect(try first("prompt,a,b\n1,2,true\n2,2.5e3,yes\n") == json(#"{"prompt":"1","a":2,"b":"true"}"#))
        #expect(try first("prompt,a,b\n1,,\"\"\n") == json(#"{"prompt":"1","a":null,"b":""}"#))
        // A value past the rows that decided stays what it is.
        let many = "prompt,a\n" + String(repeating: "p,1\n", count: 1000) + "p,x\n"
        let values = try rows(many).records.map { $0.fields["a"] }
        #expect(values.count == 1001 && values[999] == .number("1") && values[1000] == .string("x"))
    }

    @Test func `Semicolons, bars, CRLF, a mark in front, blank lines and an index without a name are taken`() throws {
        #expect(try first("prompt;a\r\nx;y\r\n") == json(#"{"prompt":"x","a":"y"}"#))
        #expect(try first("\u{FEFF}prompt|a\n\n \nx|y") == json(#"{"prompt":"x","a":"y"}"#))
        #expect(try first(",prompt\n0,x\n") == json(#"{"Unnamed: 0":0,"prompt":"x"}"#))
        #expect(try first("prompt\n\"x\ny\"\n") == json(#"{"prompt":"x\ny"}"#))
    }

    @Test func `A table of one column of any name is one by the file's name, or where dataset.columns names it`() throws
    {
        for (name, file) in [("question", "data.csv"), ("\"my question\"", "data.tsv"), ("question", "data.txt")] {
            let column = name.replacing("\"", with: "")
            let read = try withFile("\(name)\nx\n\"y, z\"\n", named: file) {
                try Dataset<Prompt>(reading: [$0], columns: ColumnNames(["prompt": column]))
            }
            #expect(read.records.map(\.prompt) == [.text("x"), .text("y, z")])
        }
        let text = message {
            _ = try withFile("question\nx\n", named: "data.csv") { try Dataset<Prompt>(reading: [$0]) }
        }
        #expect(
            text.contains("data.csv:2: needs 'prompt'") && text.contains("'question' looks like the prompt"), "\(text)")
        let lines = message {
            _ = try withFile("question\nx\n", named: "data.txt") { try Dataset<Prompt>(reading: [$0]) }
        }
        #expect(lines.contains("data.txt:1: not JSON"), "\(lines)")
    }

    @Test func `Rows that are none are named by the line they begin on, and can be left out`() throws {
        let text = "prompt,a\nx,1\n\"y\nz\",1,2\n\"u\"v,1\nw,1\n"
        let read = try rows(text, onBadRecord: .skip)
        #expect(read.records.map(\.prompt) == [.text("x"), .text("w")])
        #expect(read.badRecords.map(\.source.line) == [3, 5])
        #expect(read.badRecords[0].reason == "3 values stand under 2 columns")
        #expect(read.badRecords[1].reason.hasPrefix("a value in quotes does not end with them"))
        #expect(message { _ = try rows(text) }.hasSuffix("on_bad_record: skip leaves such rows out"))
        #expect(message { _ = try rows("prompt,a\n\"x,1\n") }.contains("data.csv:2: a value in quotes does not end"))
        #expect(
            message { _ = try rows("prompt,prompt\nx,1\n") }.contains(
                "data.csv: two columns are named 'prompt'; rename one"))
    }

    @Test func `Rows over the borders of chunks stay whole, and one past the limit is a bad record`() throws {
        var random = SplitMix64(9)
        let texts = [1, 262_100, 7, 262_144, 300_000].map { length in
            String((0..<length).map { _ in ["a", "\"", "\n", ",", "b"][random.next(below: 5)] as Character })
        }
        let lines = "prompt,n\n" + texts.map { "\"\($0.replacing("\"", with: "\"\""))\",1\n" }.joined()
        #expect(try rows(lines).records.map(\.prompt) == texts.map { .text($0) })
        let capped = try withFile(lines) {
            try Dataset<Prompt>(reading: [$0], onBadRecord: .skip, maximumLineLength: 330_000)
        }
        #expect(capped.badRecords.map(\.reason) == ["the line is longer than the allowed number of bytes"])
    }
}

import Foundation
import JSON
import PreferenceData
import TestSupport
import Testing

@Suite("JSON arrays and objects over several lines")
struct JSONFilesTests {
    private func prompts(_ text: String, onBadRecord: BadRecordPolicy = .fail) throws -> Dataset<Prompt> {
        try withFile(text, named: "data.json") { try Dataset(reading: [$0], onBadRecord: onBadRecord) }
    }

    @Test func `An array is its elements, however it is laid out`() throws {
        let (first, second) = (#"{"prompt": "a, ]}\"\\", "x": [1, {"y": "["}]}"#, #"{"prompt": "b"}"#)
        for text in [
            "[\(first),\(second)]", "[\n\(first),\n\(second)\n]\n", " [ \(first) , \(second) ] ",
            "\u{FEFF}\n[\(first), \(second)]",
            "[\n  {\n    \"prompt\": \"a, ]}\\\"\\\\\",\n\"x\": [1, {\"y\": \"[\"}]\n  },\n  {\"prompt\":\n\"b\"}]",
        ] {
            let records = try prompts(text).records
            #expect(records.map(\.prompt) == [.text(#"a, ]}"\"#), .text("b")], "\(text)")
            #expect(records.map(\.source.line) == [1, 2])
        }
    }

    @Test func `Objects over several lines follow each other`() throws {
        let records = try prompts(
            "{\n \"prompt\": \"a}\"\n}\n\n{\n\"prompt\": [\n{\"role\": \"user\", \"content\": \"b\"}]}"
        ).records
        #expect(records.map(\.prompt) == [.text("a}"), .messages([.init(role: "user", content: "b")])])
    }

    @Test func `What is no object among elements is named by its row`() throws {
        let text = #"[{"prompt": "a"}, 3, {"prompt": "b"}, {"prompt": }, , {"prompt": "c"}]"#
        let read = try prompts(text, onBadRecord: .skip)
        #expect(read.records.map(\.prompt) == [.text("a"), .text("b"), .text("c")])
        #expect(read.badRecords.map(\.source.line) == [2, 4, 5])
        let error = message { _ = try prompts(text) }
        #expect(error.contains("data.json, row 2: not a JSON object"), "\(error)")
        #expect(message { _ = try prompts("{\n\"prompt\": \"a\"\n}\nx\n") }.contains("data.json, row 2: not JSON: "))
    }

    @Test func `An array that does not end, or goes on behind its end, is damaged`() throws {
        for (text, clue) in [
            (#"[{"prompt": "a"}"#, "its JSON array ends in the middle; copy or download"),
            (#"[{"prompt": "a"},"#, "its JSON array ends in the middle; copy or download"),
            ("[", "its JSON array ends in the middle; copy or download"),
            (#"[{"prompt": "a"}] {}"#, "text follows its JSON array; write one array"),
        ] {
            let error = message { _ = try prompts(text, onBadRecord: .skip) }
            #expect(error.contains("data.json: \(clue)"), "\(error)")
        }
        #expect(
            message { _ = try prompts(" [ ] ") }.hasSuffix("data.json: no prompts in it; name a file that has some"))
    }

    @Test func `An array that is all that an object holds is read as one`() throws {
        for text in [
            #"{"data": [{"prompt": "a"}, {"prompt": "b"}]}"#, #" { "rows" :[ {"prompt": "a"},{"prompt": "b"} ] } "#,
            "{\"data\": [\n{\"prompt\": \"a\"},\n{\"prompt\": \"b\"}\n]}\n",
            "{\n  \"examples\": [\n    {\n      \"prompt\": \"a\"\n    },\n    {\"prompt\": \"b\"}\n  ]\n}\n",
        ] {
            let records = try prompts(text).records
            #expect(records.map(\.prompt) == [.text("a"), .text("b")], "\(text)")
            #expect(records.map(\.source.line) == [1, 2] && records.allSatisfy { $0.source.unit == .row })
        }
        for (text, clue) in [
            (#"{"data": [{"prompt": "a"}], "version": 1}"#, "other keys follow its array of rows; leave them out"),
            (#"{"data": [{"prompt": "a"}]"#, "its JSON array ends in the middle; copy or download"),
            (#"{"data": [{"prompt": "a"}"#, "its JSON array ends in the middle; copy or download"),
            (#"{"data": [{"prompt": "a"}]} x"#, "text follows its JSON array; write one array"),
            (#"{"data": [{"prompt": "a"}]}}"#, "text follows its JSON array; write one array"),
        ] {
            let error = message { _ = try prompts(text) }
            #expect(error.contains("data.json: \(clue)"), "\(error)")
        }
        // A column of rows, a line each, is none.
        let rows = #"{"data": [{"x": 1}], "prompt": "a"}"#
        #expect(try prompts("\(rows)\n\(rows)\n").records.map(\.prompt) == [.text("a"), .text("a")])
        // Where that cannot be seen of the text, the name of the file says it.
        let long = "{\"data\": [\"\(String(repeating: "x", count: 300_000))\"], \"prompt\": \"a\"}"
        for text in [rows, long, "\(long)\n\(rows)"] {
            let records = try withFile(text, named: "data.jsonl") { try Dataset<Prompt>(reading: [$0]).records }
            #expect(
                records.allSatisfy { $0.prompt == .text("a") } && records.count == text.split(separator: "\n").count)
        }
    }

    @Test func `Elements over the borders of chunks stay whole, and one past the limit is a bad record`() throws {
        var random = SplitMix64(4)
        let texts = [3, 262_120, 262_144, 1, 700_000].map { length in
            String((0..<length).map { _ in ["a", "\\\"", "\\\\", ",", "]", "}"][random.next(below: 6)] }.joined())
        }
        let array = "[" + texts.map { "{\"prompt\": \"\($0)\"}" }.joined(separator: ", ") + "]"
        let expected = try texts.map { Content.text(try #require(JSON(parsing: "\"\($0)\"").text)) }
        #expect(try prompts(array).records.map(\.prompt) == expected)
        let capped = try withFile(array) {
            try Dataset<Prompt>(reading: [$0], onBadRecord: .skip, maximumLineLength: 600_000)
        }
        #expect(capped.badRecords.map(\.source.line) == [5])
    }

    @Test func `The pairs of an indented array in gzip are those of the lines`() throws {
        let expected = try Dataset<PreferencePair>(reading: [TestSupport.fixture("tables/pairs.jsonl")]).records
        let array = try Dataset<PreferencePair>(reading: [TestSupport.fixture("tables/pairs.json.gz")]).records
        #expect(array.map(\.fields) == expected.map(\.fields))
    }
}

@Suite("Files that zstd packed")
struct ZstdTests {
    private let file = TestSupport.fixture("tables/pairs.jsonl.zst")

    @Test func `Frames that follow each other are one text`() throws {
        let expected = try Dataset<PreferencePair>(reading: [TestSupport.fixture("tables/pairs.jsonl")]).records
        #expect(try Dataset<PreferencePair>(reading: [file]).records.map(\.fields) == expected.map(\.fields))
        let skippable = Data([0x53, 0x2A, 0x4D, 0x18, 2, 0, 0, 0, 7, 7])
        let data = try skippable + Data(contentsOf: file)
        #expect(try withFile(data) { try Dataset<PreferencePair>(reading: [$0]).records.count } == expected.count)
    }

    @Test func `A long text comes whole out of a few bytes`() throws {
        // pyarrow.compress(b'{"prompt": "' + b'a' * 3_000_000 + b'"}\n', codec="zstd")
        let data = try #require(Data(base64Encoded: Self.long))
        let prompt = try withFile(data) { try Dataset<Prompt>(reading: [$0]).records[0].prompt }
        #expect(prompt == .text(String(repeating: "a", count: 3_000_000)))
    }

    @Test func `A file cut at any byte is an error that names it`() throws {
        let whole = try Data(contentsOf: file)
        let isBorder = { (count: Int) in whole.dropFirst(count).starts(with: [0x28, 0xB5, 0x2F, 0xFD]) }
        for count in 4..<whole.count where !isBorder(count) {
            let text = try withFile(whole.prefix(count), named: "cut.zst") { file in
                message { _ = try Dataset<PreferencePair>(reading: [file], onBadRecord: .skip) }
            }
            #expect(text.contains("cut.zst: ") && !text.contains("\n"), "cut at \(count): \(text)")
        }
        #expect(
            try withFile(whole.dropLast(9), named: "cut.zst") { file in
                message { _ = try Dataset<PreferencePair>(reading: [file], onBadRecord: .skip) }
            }.contains("damaged zstd data (it ends in the middle)"))
    }

    private static let long =
        "KLUv/YBIz8YtAKwAAGh7InByb21wdCI6ICJhAQDw/zn4AgIAEGECABBhAgAQYQIAEGECABBhAgAQYQIAEGECABBhAgAQYQIAEGEC"
        + "ABBhAgAQYQIAEGECABBhAgAQYQIAEGECABBhAgAQYQIAEGECABBhAgAQYWUAACBhIn0KAQDIxjkQAg=="
}

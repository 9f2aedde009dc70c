import Foundation
import JSON
import PreferenceData
import TestSupport
import Testing

/// Files of `Tests/Fixtures/make_tables.py`, which pyarrow wrote.
@Suite("Parquet and Arrow files", .enabled(if: TestSupport.hasArrow, "launch/setup --arrow brings what reads them"))
struct ArrowFilesTests {
    private func table(_ name: String) -> URL { TestSupport.fixture("tables/\(name)") }

    private func lines(_ name: String) throws -> [String] {
        try String(contentsOf: table(name), encoding: .utf8).split(separator: "\n").map(String.init)
    }

    @Test(arguments: ["types.parquet", "types.arrow", "types.stream.arrow"])
    func `Values of every type are what they are in JSON`(name: String) throws {
        let records = try Dataset<Prompt>(reading: [table(name)]).records
        let expected = try lines("types.jsonl")
        #expect(records.count == expected.count)
        for (record, line) in zip(records, expected) {
            #expect(JSON.object(record.fields) == (try JSON(parsing: line)))
        }
    }

    @Test(arguments: ["none", "snappy", "gzip", "zstd", "brotli", "lz4"])
    func `Every codec holds the same pairs, over several row groups`(codec: String) throws {
        let pairs = try Dataset<PreferencePair>(reading: [table("pairs.\(codec).parquet")]).records
        let expected = try Dataset<PreferencePair>(reading: [table("pairs.jsonl")]).records
        #expect(pairs.map(\.fields) == expected.map(\.fields))
        #expect(pairs.map(\.source.line) == Array(1...5))
    }

    @Test func `A format is known by the bytes, whatever the name`() throws {
        let data = try Data(contentsOf: table("pairs.snappy.parquet"))
        #expect(try withFile(data, named: "data.csv") { try Dataset<PreferencePair>(reading: [$0]).records.count } == 5)
    }

    @Test func `A bad row is named by its number, and can be left out`() throws {
        let file = table("types.parquet")
        let error = message { _ = try Dataset<PromptCompletion>(reading: [file]) }
        #expect(error.contains("types.parquet, row 1: 'messages' does not end in an answer"), "\(error)")
        let pairs = message { _ = try Dataset<PreferencePair>(reading: [file], onBadRecord: .skip) }
        #expect(
            pairs.contains("5 bad rows skipped, the first: ") && pairs.contains("types.parquet, row 1: a pair needs"))
    }

    @Test func `A file of no rows has no records, and one of which a few are wanted is read no further`() throws {
        let error = message { _ = try Dataset<PreferencePair>(reading: [table("empty.parquet")]) }
        #expect(error.hasSuffix("empty.parquet: no preference pairs in it; name a file that has some"))
        #expect(try Dataset<PreferencePair>(reading: [table("pairs.zstd.parquet")], limit: 3).records.count == 3)
    }

    @Test func `Images are refused by name where they are a record's, and are no text`() throws {
        let fields = try Dataset<Prompt>(reading: [table("types.parquet")]).records[0].fields
        let picture = try #require(fields["picture"])
        func problem(_ entries: [(String, JSON)]) -> String {
            var remarks: [RecordRemark] = []
            let fields = JSONObject(uniqueKeysWithValues: entries)
            return message { _ = try Prompt(fields: fields, index: 0, source: .nowhere, remarks: &remarks) }
        }
        #expect(
            problem([("prompt", .string("p")), ("image", picture)])
                == "made:1: it has 'image', and only text is read; leave the column out to read the record without it")
        guard case .object(let parts) = picture, let bytes = parts["bytes"] else {
            Issue.record("no picture")
            return
        }
        #expect(problem([("prompt", bytes)]) == "made:1: 'prompt' holds 6 bytes, which is no text")
    }

    @Test(arguments: ["pairs.snappy.parquet", "types.arrow", "types.stream.arrow"])
    func `A file cut anywhere, or with any byte changed, is read or refused by name, in one line`(name: String) throws {
        let whole = try Data(contentsOf: table(name))
        var refused = 0
        func read(_ data: Data) throws {
            let text = try withFile(data, named: name) { file in
                message { _ = try Dataset<Prompt>(reading: [file], onBadRecord: .skip) }
            }
            guard text != "nothing was thrown" else { return }
            refused += 1
            #expect(text.contains(name) && !text.contains("\n"), "\(text)")
        }
        for count in stride(from: 8, to: whole.count, by: 61) { try read(whole.prefix(count)) }
        let cut = stride(from: 8, to: whole.count, by: 61).reduce(0) { count, _ in count + 1 }
        #expect(name.contains("stream") || refused == cut)
        var random = SplitMix64(5)
        for _ in 0..<400 {
            var data = whole
            data[8 + random.next(below: whole.count - 8)] = UInt8(random.next(below: 256))
            try read(data)
        }
        #expect(refused > cut)
    }

    @Test func `What says to be Parquet and is none is told with what Arrow says`() throws {
        let error = message { _ = try withFile("PAR1 and more PAR1") { try Dataset<Prompt>(reading: [$0]) } }
        #expect(error.contains("data.jsonl: damaged Parquet (") && error.hasSuffix("copy or download the file again"))
    }

    @Test func `A file that a compressor packed as a whole is to be unpacked`() throws {
        // gzip.compress(b'PAR1', mtime=0)
        let data = try #require(Data(base64Encoded: "H4sIAAAAAAACAwtwDDIEAKUIQkIEAAAA"))
        let error = message { _ = try withFile(data) { try Dataset<Prompt>(reading: [$0]) } }
        #expect(error.contains("data.jsonl: it is Parquet inside gzip, which is not read; unpack it first"), "\(error)")
    }
}

@Suite("Arrow's libraries")
struct ArrowLibraryTests {
    private func problem(_ name: String) -> String {
        do throws(ArrowLibraryError) {
            _ = try ArrowLibrary(named: name)
            return "it was loaded"
        } catch {
            return error.text
        }
    }

    @Test func `Where they are not, is told which command brings them`() {
        #expect(
            problem("libmpo-none.so").hasPrefix("Arrow's libraries are not installed: launch/setup --arrow brings them")
        )
    }

    @Test func `Libraries that do not load, or are of another version, are to be set up anew`() throws {
        #expect(problem("libz.so.1").contains("another version of mpo: launch/setup --arrow sets them up anew"))
        let text = try withFile("no library", named: "libmpo-broken.so") { problem($0.path) }
        #expect(text.contains("do not load (") && text.contains("launch/setup --arrow sets them up anew"), "\(text)")
    }
}

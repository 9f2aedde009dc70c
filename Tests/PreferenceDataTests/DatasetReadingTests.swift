import Foundation
import PreferenceData
import TestSupport
import Testing

@Suite("Reading files")
struct DatasetReadingTests {
    /// Two gzip members; the second line of the text goes from one to the other.
    private let first = Data(
        base64Encoded:
            "H4sIAAAAAAAC/6tWKijKzy0oUbJSUEpU0lFQSs7IL07NA3GTQNyi1KzU5JLUFJBAslItVzWS+hSoegDHmGbBRAAAAA==")
    private let second = Data(base64Encoded: "H4sIAAAAAAAC/ytOzVOyUlBKVdJRUCpKzUpNLklNAQmkKdVyAQDq9xm0HAAAAA==")

    private func pairs(_ data: Data, named name: String = "data.jsonl.gz") throws -> Dataset<PreferencePair> {
        try withFile(data, named: name) { try Dataset(reading: [$0]) }
    }

    @Test("Gzip members that follow each other are one text, with or without zero padding, whatever the name")
    func concatenated() throws {
        let (first, second) = (try #require(first), try #require(second))
        for (data, name) in [
            (first + second, "a.jsonl.gz"), (first + second + Data(count: 300), "a.jsonl.gz"),
            (first + second, "a.jsonl"),
        ] {
            let records = try pairs(data, named: name).records
            #expect(records.map(\.prompt) == [.text("a"), .text("d")])
            #expect(records.map(\.chosen) == [.text("b"), .text("e")])
            #expect(records.map(\.source.line) == [1, 2])
        }
    }

    @Test("A gzip file cut at any byte, or with any byte of its text changed, is an error that names it")
    func damaged() throws {
        let (first, second) = (try #require(first), try #require(second))
        let whole = first + second
        for count in (2..<whole.count) where count != first.count {
            let text = message { _ = try pairs(whole.prefix(count)) }
            #expect(
                text.contains("data.jsonl.gz: damaged gzip data (it ends in the middle)"), "cut at \(count): \(text)")
        }
        for place in 12..<first.count {
            var data = whole
            data[place] ^= 0x10
            #expect(message { _ = try pairs(data) }.contains("data.jsonl.gz"), "byte \(place)")
        }
        #expect(
            message { _ = try pairs(whole + Data("more".utf8)) }.contains("damaged gzip data (incorrect header check)"))
    }

    @Test(
        "A byte-order mark, CRLF, blank lines and a missing last line break are tolerated, and lines keep their numbers"
    )
    func lineEnds() throws {
        let text = "\u{FEFF}{\"prompt\": \"a\"}\r\n\r\n  \t\n{\"prompt\": \"b\\r\"}\r\n\n{\"prompt\": \"c\"}"
        let records = try withFile(text) { try Dataset<Prompt>(reading: [$0]).records }
        #expect(records.map(\.prompt) == [.text("a"), .text("b\r"), .text("c")])
        #expect(records.map(\.source.line) == [1, 4, 6])
        #expect(records.map(\.index) == [0, 1, 2])
    }

    @Test("Lines longer than the reader's chunk stay whole, and a line over the cap is a bad record")
    func longLines() throws {
        var random = SplitMix64(3)
        let texts = [5, 300_000, 262_128, 262_129, 1, 1_000_000].map { length in
            String((0..<length).map { _ in Character(Unicode.Scalar(UInt8(97 + random.next(below: 26)))) })
        }
        let lines = texts.map { "{\"prompt\": \"\($0)\"}\n" }.joined()
        try withFile(lines) { file in
            #expect(try Dataset<Prompt>(reading: [file]).records.map(\.prompt) == texts.map { .text($0) })
            let capped = try Dataset<Prompt>(reading: [file], onBadRecord: .skip, maximumLineLength: 300_000)
            #expect(capped.records.map(\.prompt) == [0, 2, 3, 4].map { .text(texts[$0]) })
            #expect(capped.badRecords.map(\.source.line) == [2, 6])
            let error = message { _ = try Dataset<Prompt>(reading: [file], maximumLineLength: 300_000) }
            #expect(error.contains("data.jsonl:2: the line is longer than"))
        }
    }

    @Test("Invalid UTF-8 is a bad record")
    func invalidUTF8() throws {
        let data = Data("{\"prompt\": \"a".utf8) + [0xC3] + Data("\"}\n".utf8)
        let error = message { _ = try withFile(data) { try Dataset<Prompt>(reading: [$0]) } }
        #expect(error.contains("data.jsonl:1: not JSON: a string is not valid UTF-8 (column 13)"))
    }

    @Test("A directory is its data files by name, and files follow each other")
    func directories() throws {
        try TestSupport.withTemporaryDirectory { directory in
            for name in ["b.jsonl", "a.jsonl", "notes.txt"] {
                try Data("{\"prompt\": \"\(name)\"}\n".utf8).write(to: directory.appending(path: name))
            }
            #expect(
                try Dataset<Prompt>(reading: [directory]).records.map(\.prompt) == [.text("a.jsonl"), .text("b.jsonl")])
            let files = ["b.jsonl", "a.jsonl"].map { directory.appending(path: $0) }
            let two = try Dataset<Prompt>(reading: files)
            #expect(two.records.map(\.prompt) == [.text("b.jsonl"), .text("a.jsonl")])
            #expect(two.records.map(\.source.line) == [1, 1])
            #expect(try Dataset<Prompt>(reading: files, limit: 1).records.count == 1)
        }
    }

    @Test("What is not there is told in one line that names it")
    func missing() throws {
        try TestSupport.withTemporaryDirectory { directory in
            let read = { (name: String) in
                message { _ = try Dataset<Prompt>(reading: [directory.appending(path: name)]) }
            }
            #expect(read("none.jsonl").hasSuffix("none.jsonl: no such file"))
            let folder = directory.appending(path: "folder")
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: false)
            #expect(read("folder").contains("folder: a directory without data files; name a directory that has some"))
            for (name, text) in [("empty.jsonl", ""), ("blank.jsonl", "\n \n")] {
                try Data(text.utf8).write(to: directory.appending(path: name))
                #expect(read(name).hasSuffix("\(name): no prompts in it; name a file that has some"))
            }
        }
    }

    @Test("A row with a key twice is a bad one, in whatever format")
    func repeatedKeys() throws {
        let row = #"{"prompt": "p", "completion": "c"}"#
        let twice = #"{"prompt": "p", "completion": "c", "prompt": "q"}"#
        let text = "an object has 'prompt' twice; keep the one that is meant (column "
        for (data, place) in [("\(row)\n\(twice)", "data.jsonl:2"), ("[\(row), \(twice)]", "data.jsonl, row 2")] {
            try withFile(data) { file in
                let problem = message { _ = try Dataset<PromptCompletion>(reading: [file]) }
                let skipped = try Dataset<PromptCompletion>(reading: [file], onBadRecord: .skip)
                #expect(
                    problem.hasPrefix("\(file.relativePath)") && problem.contains("\(place): \(text)"), "\(problem)")
                #expect(skipped.skipped == 1)
            }
        }
        let turn =
            #"{"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a", "content": "b"}]}"#
        #expect(
            message { _ = try withFile(turn) { try Dataset<PromptCompletion>(reading: [$0]) } }.contains(
                "data.jsonl:1: an object has 'content' twice"))
    }

    @Test("Columns that are to be read and that no row has are told with those that there are")
    func absentColumns() throws {
        let rows = [
            #"{"q": "p", "completion": "c", "sys": "Be kind."}"#, #"{"q": "p", "completion": "c", "extra": null}"#,
        ]
        func absent(_ names: [String: String], limit: Int? = nil) throws -> AbsentColumns {
            try withFile(rows.joined(separator: "\n")) {
                try Dataset<PromptCompletion>.read(
                    [$0], columns: ColumnNames(names.merging(["prompt": "q"]) { $1 }), limit: limit
                ) { _ in }.absent
            }
        }
        let found = try absent(["system": "sytem", "label": "none", "documents": "extra"])
        #expect(found.columns.map(\.name) == ["system"] && found.columns.map(\.column) == ["sytem"])
        #expect(found.found == "'q', 'completion', 'sys'")
        #expect(try absent(["system": "sys", "documents": "extra"]).columns.isEmpty)
        #expect(try absent(["documents": "extra"], limit: 1).columns.count == 1)
    }

    @Test("Bad lines fail by default; skipped, they are counted and the first five kept")
    func badRecordPolicy() throws {
        let lines =
            ["{\"prompt\": \"good\"}"] + Array(repeating: "{\"prompt\": 1}", count: 7) + ["{\"prompt\": \"too\"}", "x"]
        try withFile(lines.joined(separator: "\n")) { file in
            let error = message { _ = try Dataset<Prompt>(reading: [file]) }
            #expect(error.contains("data.jsonl:2: 'prompt' is a number, not a string or a list of messages"))
            #expect(error.hasSuffix("on_bad_record: skip leaves such rows out"))
            let dataset = try Dataset<Prompt>(reading: [file], onBadRecord: .skip)
            #expect(dataset.records.map(\.index) == [0, 1])
            #expect(dataset.skipped == 8)
            #expect(dataset.badRecords.map(\.source.line) == [2, 3, 4, 5, 6])
            let none = message { _ = try Dataset<PreferencePair>(reading: [file], onBadRecord: .skip) }
            #expect(none.contains("no preference pairs in it, 10 bad rows skipped, the first: "))
            #expect(none.contains("data.jsonl:1: a pair needs 'chosen' and 'rejected'; it has 'prompt'"))
        }
    }
}

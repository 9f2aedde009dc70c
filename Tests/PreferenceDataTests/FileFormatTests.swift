import Foundation
import PreferenceData
import TestSupport
import Testing

@Suite("Files that are not JSONL")
struct FileFormatTests {
    private static let row = #"{"prompt": "p", "chosen": "c", "rejected": "r"}"#

    static let files: [(Data, String)] = [
        (Data("PAR1\u{0}\u{0}PAR1".utf8), "it is Parquet"), (Data("ARROW1\u{0}\u{0}".utf8), "it is an Arrow file"),
        (Data([0xFF, 0xFF, 0xFF, 0xFF, 0x10, 0, 0, 0]), "it is an Arrow stream"),
        (Data([0x28, 0xB5, 0x2F, 0xFD, 4, 0]), "zstd -d"), (Data("BZh91AY&SY".utf8), "bunzip2"),
        (Data([0xFD, 0x37, 0x7A, 0x58, 0x5A, 0]), "unxz"), (Data([0x50, 0x4B, 3, 4, 20, 0]), "it is a zip archive"),
        (Data(row.utf16.flatMap { [UInt8($0), 0] }), "it is UTF-16LE text"),
        (Data(row.utf16.flatMap { [0, UInt8($0)] }), "it is UTF-16BE text"),
        (Data([0xFF, 0xFE] + row.utf16.flatMap { [UInt8($0), 0] }), "it is UTF-16 text"),
        (Data([0xFE, 0xFF] + row.utf16.flatMap { [0, UInt8($0)] }), "it is UTF-16 text"),
        (Data("[\(row), \(row)]".utf8), "it is one JSON array"),
        (Data("[\n\(row),\n\(row)\n]\n".utf8), "it is one JSON array"),
        (Data("[\(row)]\n\n".utf8), "it is one JSON array"),
        (Data("{\n  \"prompt\": \"p\"\n}\n".utf8), "it is JSON over several lines"),
        (Data("prompt,chosen,rejected\np,c,r\n".utf8), "it is CSV"),
        (Data("\"prompt\",\"chosen\"\n\"p\",\"c\"\n".utf8), "it is CSV"),
        (Data("prompt\tchosen\trejected\np\tc\tr\n".utf8), "it is TSV"),
        (Data("version https://git-lfs.github.com/spec/v1\n".utf8), "git lfs pull"),
    ]

    @Test("A file's format is known by its first bytes, and named with a way out, also where bad lines are skipped")
    func formats() throws {
        for (data, clue) in Self.files {
            for policy in BadRecordPolicy.allCases {
                let text = message {
                    _ = try withFile(data) { try Dataset<Prompt>(reading: [$0], onBadRecord: policy) }
                }
                #expect(text.contains(clue) && !text.contains("on_bad_record") && !text.contains("\n"), "\(text)")
                #expect(text.contains("data.jsonl: it is "))
            }
        }
    }

    @Test("Gzip inside gzip is named, and a JSON array among lines is one bad line")
    func nested() throws {
        // gzip.compress(gzip.compress(b'{"prompt": "p"}\n', mtime=0), mtime=0)
        let twice = try #require(Data(base64Encoded: Self.twice))
        #expect(
            message { _ = try withFile(twice) { try Dataset<Prompt>(reading: [$0]) } }.contains(
                "it is gzip inside gzip"))
        let lines = "[1]\n\(Self.row)\n"
        #expect(try withFile(lines) { try Dataset<Prompt>(reading: [$0], onBadRecord: .skip).skipped } == 1)
        #expect(
            message { _ = try withFile(lines) { try Dataset<Prompt>(reading: [$0]) } }
                .hasSuffix("data.jsonl:1: not a JSON object; on_bad_record: skip leaves such lines out"))
    }

    private static let twice =
        "H4sIAAAAAAACA5Pv5mAAASbm1WFaGqfO62oEbgoK0ApY9ZSJYaFy7CEBoBwAvS1fdSQAAAA="

    @Test("Skipping is advised only where it would leave something, and where there is a key for it")
    func advice() throws {
        let bad = #"{"question": "q"}"#
        let advice = "on_bad_record: skip"
        func failure(_ lines: [String], advises: Bool = true) -> String {
            message {
                _ = try withFile(lines.joined(separator: "\n")) {
                    try Dataset<Prompt>(reading: [$0], advisesSkipping: advises)
                }
            }
        }
        #expect(failure([bad, Self.row]).hasSuffix("\(advice) leaves such lines out"))
        #expect(failure([Self.row, bad]).contains("data.jsonl:2: ") && failure([Self.row, bad]).contains(advice))
        #expect(failure([bad, bad]).contains("data.jsonl:1: ") && !failure([bad, bad]).contains(advice))
        #expect(!failure([Self.row, bad], advises: false).contains(advice))
    }

    @Test("A directory of several splits, or with data that is not read, is refused; a list of them is remarked on")
    func directories() throws {
        for (names, clue) in [
            (["train.jsonl", "test.jsonl"], "train.jsonl and test.jsonl"),
            (["train-00000.jsonl", "validation-00000.jsonl"], "not one dataset"),
            (["a.jsonl", "b.jsonl.zst"], "a.jsonl and b.jsonl.zst, of which the latter is not read"),
            (["a.json"], "it has a.json"), (["x.parquet", "README.md"], "it has x.parquet:"),
        ] {
            try TestSupport.withTemporaryDirectory { directory in
                let files = names.map { directory.appending(path: $0) }
                for file in files { try Data(Self.row.utf8).write(to: file) }
                let text = message { _ = try Dataset<Prompt>(reading: [directory]) }
                #expect(text.contains(clue), "\(text)")
                let listed = try Dataset<Prompt>(reading: files)
                #expect(listed.records.count == names.count)
                #expect(
                    listed.remarks.texts.contains { $0.contains("is read as one with") }
                        == (clue.contains("train") || clue.hasPrefix("not")))
            }
        }
        try TestSupport.withTemporaryDirectory { directory in
            for name in ["train-1.jsonl", "train-2.JSONL", "dataset_info.json", "README.md"] {
                try Data(Self.row.utf8).write(to: directory.appending(path: name))
            }
            #expect(try Dataset<Prompt>(reading: [directory]).records.count == 2)
        }
    }
}

import Foundation
import PreferenceData
import TestSupport
import Testing

@Suite("Files that are not read")
struct FileFormatTests {
    private static let row = #"{"prompt": "p", "chosen": "c", "rejected": "r"}"#

    static let files: [(Data, String)] = [
        (Data("FEA1\u{0}\u{0}".utf8), "it is a Feather file of version 1"),
        (Data("PARE".utf8), "it is encrypted Parquet"),
        (Data("BZh91AY&SY".utf8), "bunzip2"),
        (Data([0xFD, 0x37, 0x7A, 0x58, 0x5A, 0]), "unxz"), (Data([0x50, 0x4B, 3, 4, 20, 0]), "it is a zip archive"),
        (Data(row.utf16.flatMap { [UInt8($0), 0] }), "it is UTF-16LE text"),
        (Data(row.utf16.flatMap { [0, UInt8($0)] }), "it is UTF-16BE text"),
        (Data([0xFF, 0xFE] + row.utf16.flatMap { [UInt8($0), 0] }), "it is UTF-16 text"),
        (Data([0xFE, 0xFF] + row.utf16.flatMap { [0, UInt8($0)] }), "it is UTF-16 text"),
        (Data("version https://git-lfs.github.com/spec/v1\n".utf8), "git lfs pull"),
    ]

    @Test("A file's format is known by its first bytes, and named with a way out, also where bad rows are skipped")
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

    @Test("What is packed twice is named, and a JSON array among lines is one bad row")
    func nested() throws {
        // gzip.compress(gzip.compress(b'{"prompt": "p"}\n', mtime=0), mtime=0)
        let twice = try #require(Data(base64Encoded: Self.twice))
        #expect(
            message { _ = try withFile(twice) { try Dataset<Prompt>(reading: [$0]) } }.contains(
                "it is gzip inside another compression"))
        let lines = "\(Self.row)\n[1]\n"
        #expect(try withFile(lines) { try Dataset<Prompt>(reading: [$0], onBadRecord: .skip).skipped } == 1)
        #expect(
            message { _ = try withFile(lines) { try Dataset<Prompt>(reading: [$0]) } }
                .hasSuffix("data.jsonl:2: not a JSON object; on_bad_record: skip leaves such rows out"))
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
        #expect(failure([bad, Self.row]).hasSuffix("\(advice) leaves such rows out"))
        #expect(failure([Self.row, bad]).contains("data.jsonl:2: ") && failure([Self.row, bad]).contains(advice))
        #expect(failure([bad, bad]).contains("data.jsonl:1: ") && !failure([bad, bad]).contains(advice))
        #expect(!failure([Self.row, bad], advises: false).contains(advice))
    }
}

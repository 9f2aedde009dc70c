import Foundation
import TestSupport
import Tokenizers

/// What the `tokenizers` library answered; see `make_tokenizer_fixtures.py`.
struct ExpectedRow: Decodable {
    var ids: [Int32]
    var special: [Int32]?
    var decoded: String?
    var skipped: String?
}

struct RealExpectation: Decodable {
    struct Stream: Decodable, Equatable {
        var count: Int
        var fnv1a: String
    }
    var rows: [ExpectedRow]
    var data: [String: Stream]
}

enum TokenizerFixtures {
    static let directory = TestSupport.fixture("tokenizers")

    /// The names of the small tokenizers that are committed.
    static let names: [String] = {
        let files = (try? FileManager.default.contentsOfDirectory(atPath: directory.path)) ?? []
        return files.filter { $0.hasSuffix(".tokenizer.json") }.map { String($0.dropLast(".tokenizer.json".count)) }
            .sorted()
    }()

    /// Real tokenizers that this machine has, by name.
    static let real: [String: URL] = {
        var found: [String: URL] = [:]
        if let shared = TestSupport.shared {
            found["gpt2"] = shared.appending(path: "tokenizers/gpt2")
            found["gpt-neox"] = shared.appending(path: "tokenizers/gpt-neox")
            found["stories260K"] = shared.appending(path: "models/stories260K")
        }
        found["smollm2"] = TestSupport.smolLM2
        return found
    }()

    static func tokenizer(_ name: String) throws -> Tokenizer {
        try Tokenizer(file: directory.appending(path: "\(name).tokenizer.json"))
    }

    static func decode<Value: Decodable>(_ type: Value.Type, from name: String) throws -> Value {
        try JSONDecoder().decode(type, from: Data(contentsOf: directory.appending(path: name)))
    }

    static func texts() throws -> [String] { try decode([String].self, from: "texts.json") }

    /// The strings of every row of a data file, each row's in the order of its keys.
    static func dataStrings(_ name: String) throws -> [String] {
        guard let shared = TestSupport.shared else { return [] }
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = ["gzip", "-dc", shared.appending(path: "data/\(name)").path]
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        let data = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return try data.split(separator: 0x0A).flatMap { line in
            let row = try JSONSerialization.jsonObject(with: Data(line)) as? [String: Any] ?? [:]
            return row.keys.sorted().compactMap { row[$0] as? String }
        }
    }
}

/// FNV-1a over bytes; ids go in as four little-endian bytes.
struct FNV1a {
    private(set) var value: UInt64 = 0xCBF2_9CE4_8422_2325

    mutating func add(_ byte: UInt8) { value = (value ^ UInt64(byte)) &* 0x100_0000_01B3 }

    mutating func add(_ id: Int32) {
        for shift in [0, 8, 16, 24] { add(UInt8(truncatingIfNeeded: id >> Int32(shift))) }
    }

    var text: String {
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}

import Foundation
import JSON
import TestSupport

/// Inputs and what formulas give for them, in double precision: `Tests/Fixtures/golden.json`, written by
/// `Tests/Fixtures/make_golden.py`, or another file of its format that `MPO_GOLDEN` names.
struct GoldenFile {
    /// How many tokens the distributions are over whose entropies are given.
    let vocabularySize: Int
    let inputs: JSON
    let entries: [Entry]

    /// One formula.
    struct Entry: CustomStringConvertible, Sendable {
        let id: String
        let family: String
        let params: JSON
        let expected: JSON

        var description: String { "\(id) (\(family))" }

        /// A number among the parameters.
        func number(_ key: String) -> Double { params[key]?.double ?? .nan }
    }

    /// The file that tests read.
    static let standard: GoldenFile = {
        let url =
            ProcessInfo.processInfo.environment["MPO_GOLDEN"].map { URL(filePath: $0) }
            ?? TestSupport.repository.appending(path: "Tests/Fixtures/golden.json")
        return (try? GoldenFile(contentsOf: url)) ?? GoldenFile()
    }()

    init(contentsOf url: URL) throws {
        let root = try JSON(parsing: String(contentsOf: url, encoding: .utf8))
        vocabularySize = root["vocab_size"]?.integer ?? 0
        inputs = root["inputs"] ?? .null
        entries = (root["entries"]?.elements ?? []).map { entry in
            Entry(
                id: entry["id"]?.text ?? "", family: entry["family"]?.text ?? "", params: entry["params"] ?? .null,
                expected: entry["expected"] ?? .null)
        }
    }

    /// What cannot be read holds nothing.
    private init() { (vocabularySize, inputs, entries) = (0, .null, []) }

    subscript(_ id: String) -> Entry? { entries.first { $0.id == id } }

    func entries(ofFamilies families: Set<String>) -> [Entry] { entries.filter { families.contains($0.family) } }
}

extension JSON {
    subscript(_ key: String) -> JSON? {
        if case .object(let object) = self { object[key] } else { nil }
    }

    /// The elements of a list.
    var elements: [JSON]? {
        if case .array(let elements) = self { elements } else { nil }
    }

    /// The numbers of a list, or of lists in it, one after another.
    var numbers: [Double] { elements?.flatMap(\.numbers) ?? double.map { [$0] } ?? [] }

    /// The same as integers.
    var integers: [Int] { numbers.map { Int($0) } }
}

/// The largest difference, relative to one more than what was expected.
func distance(_ found: [Double], _ expected: [Double]) -> Double {
    guard found.count == expected.count else { return .infinity }
    let distances = zip(found, expected).map { abs($0 - $1) / (1 + abs($1)) }
    // Of what is no number the maximum may not tell.
    return distances.allSatisfy(\.isFinite) ? distances.max() ?? 0 : .infinity
}

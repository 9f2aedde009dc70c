import Foundation

/// What Python computed for the fixtures: `Fixtures/commands/expected.json`.
struct Expected: Decodable {
    struct Score: Decodable {
        var chosenLogps: Double
        var rejectedLogps: Double
        var chosenReward: Double
        var rejectedReward: Double
    }

    struct Greedy: Decodable {
        var prompt: String
        var tokens: [Int]
        var logps: [Double]
    }

    var tokens: [String: [Int]]
    var scored: [Score]
    var newTokens: Int
    var greedy: [Greedy]

    init() throws {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        self = try decoder.decode(
            Expected.self, from: Data(contentsOf: Workspace.fixtures.appending(path: "expected.json")))
    }
}

/// A line of JSON that a command wrote, with its keys in snake case.
func decodeLine<Line: Decodable>(_: Line.Type, _ text: some StringProtocol) throws -> Line {
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    return try decoder.decode(Line.self, from: Data(text.utf8))
}

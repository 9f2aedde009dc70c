import Commands
import Foundation
import TestSupport
import Testing

@Suite struct ArithmeticTaskTests {
    private struct Row: Decodable, Hashable {
        var prompt: String
        var completion: String?
        var answer: Int
    }

    private func rows(_ file: URL) throws -> [Row] {
        try Data(contentsOf: file).split(separator: UInt8(ascii: "\n")).map {
            try JSONDecoder().decode(Row.self, from: $0)
        }
    }

    @Test("Sums have their answers in a column, are the same for a seed, and held-out ones are not trained on")
    func files() throws {
        try TestSupport.withTemporaryDirectory { directory in
            for (name, seed) in [("one", 3), ("two", 3), ("other", 4)] {
                try ArithmeticTask(seed: UInt64(seed)).write(to: directory.appending(path: name))
            }
            let names = ["sft.jsonl", "prompts.jsonl", "prompts-eval.jsonl"]
            for name in names + ["model/tokenizer.json"] {
                let data = try ["one", "two", "other"].map {
                    try Data(contentsOf: directory.appending(path: "\($0)/\(name)"))
                }
                #expect(data[0] == data[1] && (data[0] == data[2]) == name.hasPrefix("model/"), "\(name)")
            }
            let rows = try names.map { try self.rows(directory.appending(path: "one/\($0)")) }
            let prompts = rows.map { Set($0.map(\.prompt)) }
            #expect(prompts.map(\.count) == [300, 1600, 200] && rows.map(\.count) == [300, 1600, 200])
            #expect(prompts[0].isSubset(of: prompts[1]) && prompts[1].isDisjoint(with: prompts[2]))
            for row in rows.joined() {
                let terms = row.prompt.split { !$0.isNumber }.compactMap { Int($0) }
                #expect(terms.count == 2 && row.answer == terms[0] + terms[1], "\(row)")
                #expect(row.completion == (rows[0].contains(row) ? " \(row.answer)" : nil), "\(row)")
            }
        }
    }
}

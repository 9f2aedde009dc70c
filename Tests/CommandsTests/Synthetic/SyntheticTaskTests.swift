import Commands
import Foundation
import Runs
import TestSupport
import Testing
import Training

@Suite struct SyntheticTaskTests {
    private static let small: SyntheticTask.Sizes = {
        var sizes = SyntheticTask.Sizes()
        sizes.demonstrations = 200
        sizes.pairs = 300
        sizes.evaluationPairs = 50
        sizes.evaluationPrompts = 40
        return sizes
    }()

    private func gap(_ pair: SyntheticTask.Pair) throws -> Double {
        let order = try GuestOrder(prompt: pair.prompt)
        return GoldScore(order: order, completion: pair.chosen).total
            - GoldScore(order: order, completion: pair.rejected).total
    }

    private func files(of seed: UInt64) throws -> [String: Data] {
        try TestSupport.withTemporaryDirectory { directory in
            try SyntheticTask(seed: seed, sizes: Self.small).write(to: directory)
            let names = try FileManager.default.subpathsOfDirectory(atPath: directory.path).filter { $0.contains(".") }
            return try Dictionary(
                uniqueKeysWithValues: names.map { ($0, try Data(contentsOf: directory.appending(path: $0))) })
        }
    }

    @Test("the same seed writes the same bytes, another seed another task for the same model")
    func determinism() throws {
        let (first, again, other) = (try files(of: 3), try files(of: 3), try files(of: 4))
        #expect(
            Set(first.keys) == [
                "sft.jsonl", "pairs.jsonl", "pairs-eval.jsonl", "prompts-eval.jsonl", "model/config.json",
                "model/tokenizer.json", "model/tokenizer_config.json",
            ])
        #expect(first == again)
        for (name, bytes) in first { #expect((bytes == other[name]) == name.hasPrefix("model/")) }
    }

    @Test("files hold one JSON object a line, as many as asked, with the columns of their kind")
    func layout() throws {
        let files = try files(of: 0)
        let sizes = Self.small
        let expected: [(String, Int, Set<String>)] = [
            ("sft.jsonl", sizes.demonstrations, ["prompt", "completion"]),
            ("pairs.jsonl", sizes.pairs, ["prompt", "chosen", "rejected"]),
            ("pairs-eval.jsonl", sizes.evaluationPairs, ["prompt", "chosen", "rejected"]),
            ("prompts-eval.jsonl", sizes.evaluationPrompts, ["prompt"]),
        ]
        for (name, count, columns) in expected {
            let lines = try #require(files[name]).split(separator: UInt8(ascii: "\n"))
            #expect(lines.count == count)
            for line in lines {
                #expect(Set(try JSONDecoder().decode([String: String].self, from: Data(line)).keys) == columns)
            }
        }
    }

    @Test("evaluation prompts are all different and occur in nothing that is trained on")
    func heldOut() throws {
        var sizes = SyntheticTask.Sizes()
        (sizes.demonstrations, sizes.pairs) = (1500, 1500)
        let task = try SyntheticTask(seed: 11, sizes: sizes)
        let heldOut = Set(task.evaluationPrompts().map(\.prompt))
        #expect(heldOut.count == task.sizes.evaluationPrompts)
        #expect(heldOut.isDisjoint(with: task.demonstrations().map(\.prompt)))
        #expect(heldOut.isDisjoint(with: task.pairs().map(\.prompt)))
        #expect(heldOut.isSuperset(of: task.evaluationPairs().map(\.prompt)))
    }

    @Test("asking for too many held-out orders is refused, not a hang")
    func tooManyHeldOut() {
        var sizes = SyntheticTask.Sizes()
        sizes.evaluationPrompts = 5000
        #expect(throws: SyntheticTaskError.tooManyHeldOut(asked: 5000, most: 480)) {
            try SyntheticTask(seed: 0, sizes: sizes)
        }
    }

    @Test("demonstrations are of mixed quality")
    func mixedQuality() throws {
        var sizes = SyntheticTask.Sizes()
        sizes.demonstrations = 1000
        let gold = try SyntheticTask(seed: 5, sizes: sizes).demonstrations().map {
            GoldScore(order: try GuestOrder(prompt: $0.prompt), completion: $0.completion).total
        }.sorted()
        #expect(gold[gold.count / 10] < 0.5)
        #expect(gold[gold.count * 9 / 10] > 4)
        #expect(gold[gold.count - 1] == 6)
    }

    @Test("labels follow the Bradley-Terry law of the gold gap, in every range of gaps")
    func labelLaw() throws {
        var sizes = SyntheticTask.Sizes()
        sizes.pairs = 8000
        let gaps = try SyntheticTask(seed: 17, sizes: sizes).pairs().map(gap)
        for range in [0.01..<0.3, 0.3..<0.6, 0.6..<1.1, 1.1..<2, 2..<4] {
            let inside = gaps.filter { range.contains(abs($0)) }
            // Given the two answers, the better one wins with probability sigmoid(gap / temperature).
            let chances = inside.map { 1 / (1 + exp(-abs($0) / SyntheticTask.labelTemperature)) }
            let deviation = chances.reduce(0) { $0 + $1 * (1 - $1) }.squareRoot()
            let right = Double(inside.count { $0 > 0 })
            #expect(inside.count > 200)
            #expect(abs(right - chances.reduce(0, +)) < 4 * deviation, "gaps in \(range)")
        }
    }

    @Test("a directory that cannot be written is named")
    func unwritable() throws {
        try TestSupport.withTemporaryDirectory { directory in
            let file = directory.appending(path: "file")
            try Data().write(to: file)
            let error = #expect(throws: SyntheticTaskError.self) { try SyntheticTask.write(to: file, seed: 0) }
            #expect(error?.description.contains(file.appending(path: "model").path) == true)
        }
    }
}

import Foundation
import PreferenceData
import TestSupport
import Testing

@Suite("Real preference pairs", .enabled(if: TestSupport.shared != nil, "needs the shared development data"))
struct SharedDataTests {
    private func file(_ name: String) throws -> URL {
        try #require(TestSupport.shared).appending(path: "data/\(name).jsonl.gz")
    }

    @Test(
        "HH transcripts: all but the one pair that shares no prompt are read, and no byte is lost",
        arguments: [("train", 1400, 1), ("eval", 200, 0)])
    func harmless(_ part: String, _ lines: Int, _ bad: Int) throws {
        let dataset = try Dataset<PreferencePair>(reading: [try file("hh-harmless-\(part)")], onBadRecord: .skip)
        #expect(dataset.records.count == lines - bad && dataset.skipped == bad)
        for pair in dataset.records {
            guard
                case (.text(let prompt), .text(let chosen), .text(let rejected)) = (
                    pair.prompt, pair.chosen, pair.rejected
                )
            else {
                Issue.record("\(pair.source) is not text")
                continue
            }
            #expect(prompt.hasSuffix("\n\nAssistant:") && prompt.hasPrefix("\n\nHuman:"))
            #expect(
                prompt + chosen == pair.fields["chosen"]?.text && prompt + rejected == pair.fields["rejected"]?.text)
            #expect(Transcript.messages(of: prompt).last?.role == "user", "\(pair.source)")
        }
        if bad > 0 {
            let error = message { _ = try Dataset<PreferencePair>(reading: [try file("hh-harmless-\(part)")]) }
            #expect(error.contains("so they share no prompt"))
        }
    }

    @Test("drop_turns on HH keeps whole turns where one fits, and every prompt still ends where the answer starts")
    func dropTurns() throws {
        let pairs = try Dataset<PreferencePair>(reading: [try file("hh-harmless-eval")]).records
        let limits = try LengthLimits(maxLength: 800, maxPromptLength: 400, mode: .dropTurns)
        let result = try ExampleTokenizer(encoder: ByteEncoder(), limits: limits).tokenize(pairs)
        #expect(result.examples.count == pairs.count && result.summary.turnsDropped > 10)
        for example in result.examples {
            let text = String(decoding: example.prompt.map { UInt8($0 - 10) }, as: UTF8.self)
            #expect(text.hasSuffix("\n\nAssistant:"))
            #expect(example.prompt.count <= 400)
            #expect(example.responses.allSatisfy { example.prompt.count + $0.count <= 800 })
        }
        let cut = result.summary.promptsTruncated
        let whole = result.examples.count {
            String(decoding: $0.prompt.prefix(8).map { UInt8($0 - 10) }, as: UTF8.self) == "\n\nHuman:"
        }
        #expect(whole == pairs.count - cut)
    }

    @Test("Instructions are explicit pairs", arguments: [("train", 700, 2), ("eval", 100, 1)])
    func instructions(_ part: String, _ count: Int, _ equal: Int) throws {
        let pairs = try Dataset<PreferencePair>(reading: [try file("instructions-\(part)")]).records
        #expect(pairs.count == count)
        #expect(pairs.allSatisfy { $0.fields.keys == ["prompt", "chosen", "rejected"] })
        // A few real pairs have two equal responses; they are kept.
        #expect(pairs.count { $0.chosen == $0.rejected } == equal)
        #expect(
            try Dataset<PromptCompletion>(reading: [try file("instructions-\(part)")]).records.map(\.completion)
                == pairs.map(\.chosen))
    }
}

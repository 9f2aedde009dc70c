import Commands
import Foundation
import Runs
import Testing
import Training

@Suite struct SyntheticJudgeTests {
    private static let order = GuestOrder(items: ["rice", "tea", "pie"])

    private static func request(_ completion: String) throws -> String {
        let body = ["prompt": order.prompt, "completion": completion]
        return String(decoding: try JSONEncoder().encode(body), as: UTF8.self) + "\n"
    }

    private func answers(to text: String) throws -> [Double] {
        let (input, output) = (Pipe(), Pipe())
        try input.fileHandleForWriting.write(contentsOf: Data(text.utf8))
        try input.fileHandleForWriting.close()
        try SyntheticTask.serveJudge(input: input.fileHandleForReading, output: output.fileHandleForWriting)
        try output.fileHandleForWriting.close()
        return try (output.fileHandleForReading.readToEnd() ?? Data()).split(separator: UInt8(ascii: "\n")).map {
            try #require(try JSONDecoder().decode([String: Double].self, from: Data($0))["score"])
        }
    }

    @Test("each line is answered in order with the gold score, a last line without newline too")
    func scores() throws {
        let lines = try Self.request(Self.order.idealAnswer) + Self.request("") + Self.request(" tea, cake.")
        let expected = [6, 0, 4.0 / 3 - 1 + 0.5 + 0.5]
        #expect(try answers(to: lines) == expected)
        #expect(try answers(to: String(lines.dropLast())) == expected)
        #expect(try answers(to: "") == [])
    }

    @Test("an answer comes before the next line is sent")
    func interactive() async throws {
        let (input, output) = (Pipe(), Pipe())
        let server = Thread {
            try? SyntheticTask.serveJudge(input: input.fileHandleForReading, output: output.fileHandleForWriting)
            try? output.fileHandleForWriting.close()
        }
        server.start()
        for completion in [Self.order.idealAnswer, " no."] {
            try input.fileHandleForWriting.write(contentsOf: Data(try Self.request(completion).utf8))
            let answer = try JSONDecoder().decode(
                [String: Double].self, from: output.fileHandleForReading.availableData)
            #expect(answer["score"] == GoldScore(order: Self.order, completion: completion).total)
        }
        try input.fileHandleForWriting.close()
        #expect(output.fileHandleForReading.availableData.isEmpty)
    }

    @Test(
        "a malformed line is an error that names line and reason",
        arguments: [
            ("nonsense", "not JSON"),
            ("", "not JSON"),
            ("[1]", "the line has the wrong type"),
            (#"{"prompt": "x"}"#, #"no "completion""#),
            (#"{"prompt": 3, "completion": ""}"#, #""prompt" has the wrong type"#),
        ])
    func malformed(line: String, reason: String) throws {
        #expect(throws: SyntheticTaskError.malformedRequest(line: 2, reason: reason)) {
            try answers(to: Self.request("") + line + "\n")
        }
    }

    @Test("a prompt from elsewhere is an error, not a score")
    func foreignPrompt() throws {
        let error = #expect(throws: SyntheticTaskError.self) {
            try answers(to: #"{"prompt": "Hello", "completion": "there"}"#)
        }
        #expect(error?.description.contains("standard input:1: not an order") == true)
    }
}

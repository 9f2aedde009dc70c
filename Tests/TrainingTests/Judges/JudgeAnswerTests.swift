import PreferenceData
import Runs
import TestSupport
import Testing
import Tokenizers
import Training

@Suite("What a judge is asked, and answers")
struct JudgeAnswerTests {
    @Test(
        "A score is found in whatever stands around it",
        arguments: [
            #"{"score": 7}"#, "```json\n{\"score\": 7.0}\n```", #"I think {"score": 7} is fair, {} or {not}."#,
            #"<think>{"score": 1}</think>{"score": 7}"#, #"{"why": "as {\"score\": 1}} says", "score": 7}"#,
            #"{"score": 7} and again {"score": 7}"#,
        ])
    func found(reply: String) throws {
        #expect(try JudgeAnswer.score.read(reply) == 7)
    }

    @Test(
        "A reply without one clear score is refused",
        arguments: [
            ("7", "which has no JSON object"), (#"{"score": 7"#, "which has no JSON object"),
            (#"{"score": "7"}"#, "whose score is not a number"), (#"{"score": 1e300}"#, "whose score is too large"),
            (#"{"score": 7} {"score": 8}"#, "which has several answers that differ"),
            (#"{"answer": {"score": 7}}"#, "which has no \"score\""), (#"{"score": 7, "score": 8}"#, "twice"),
        ])
    func refused(reply: String, reason: String) throws {
        let fault = try #require(throws: CommandAnswerFault.self) { try JudgeAnswer.score.read(reply) }
        #expect(fault.reason.contains(reason))
    }

    @Test("A winner is A, B or tie in either case, and nothing else")
    func winners() throws {
        #expect(try JudgeAnswer.winner.read(#"{"winner": "A"}"#) == .first)
        #expect(try JudgeAnswer.winner.read(#"{"winner": "b"}"#) == .second)
        #expect(try JudgeAnswer.winner.read(#"{"winner": "Tie"}"#) == .tie)
        #expect(throws: CommandAnswerFault.self) { try JudgeAnswer.winner.read(#"{"winner": "C"}"#) }
    }

    @Test("Answers in both orders that disagree make a tie")
    func orders() {
        #expect(PairVerdict(.first, swapped: .second) == PairVerdict(value: 1, agrees: true))
        #expect(PairVerdict(.second, swapped: .first) == PairVerdict(value: 0, agrees: true))
        #expect(PairVerdict(.tie, swapped: .tie) == PairVerdict(value: 0.5, agrees: true))
        #expect(PairVerdict(.first, swapped: .first) == PairVerdict(value: 0.5, agrees: false))
        #expect(PairVerdict(.first, swapped: .tie) == PairVerdict(value: 0.5, agrees: false))
    }

    @Test("Texts stand in their places as they are, whatever is in them")
    func question() throws {
        try TestSupport.withTemporaryDirectory { directory in
            let file = directory.appending(path: "question.txt")
            try "P {prompt} A {answer_a} B {answer_b} {other}".write(to: file, atomically: true, encoding: .utf8)
            let prompt = try JudgePrompt(reading: file.path, .pair)
            #expect(prompt.question(.text("{answer_b}"), ["{prompt}", "{"]) == "P {answer_b} A {prompt} B { {other}")
            let fault = try #require(throws: RunError.self) { try JudgePrompt(reading: file.path, .score) }
            #expect(
                "\(fault)" == "\(file.path): has no {answer}, where judge_options.mode score puts an answer; add it")
        }
        let turns = Content.messages([
            ChatMessage(role: "user", content: "Hi"), ChatMessage(role: "assistant", content: "Hello"),
        ])
        #expect(JudgePrompt(.score).question(turns, ["Bye"]).contains("user: Hi\n\nassistant: Hello\n"))
    }
}

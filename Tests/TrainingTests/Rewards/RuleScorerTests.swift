import Runs
import Testing
import Training

@Suite("Rewards by a built-in rule")
struct RuleScorerTests {
    @Test(
        "count: how often a word stands alone, in any case",
        arguments: [
            ("the", "The cat and the dog; THE end.", 3.0),
            ("the", "then other lathe theme", 0),
            ("the", "the_end the1 1the", 0),
            ("the", "the,the-the\nthe", 4),
            ("the", "", 0),
            ("don't", "I don't, you DON'T, dont", 2),
            ("once upon", "Once upon a time, once  upon", 1),
            ("ja ja", "ja ja ja ja ja", 2),
            ("!", "wow!! no", 2),
            ("été", "L'été, Été; étés", 2),
            ("caf\u{E9}", "cafe\u{301} caf\u{E9}", 1),
            ("cafe\u{301}", "cafe\u{301} caf\u{E9}", 1),
            ("cafe", "cafe\u{301} cafe", 1),
        ])
    func count(word: String, completion: String, expected: Double) throws {
        #expect(try RuleScorer("count:\(word)").scores([item(completion)]) == [expected])
    }

    @Test("length: the relative distance from the target, 0 at it")
    func length() throws {
        let lengths = [10, 5, 20, 0]
        let scores = try RuleScorer("length:10").scores(lengths.map { item("", tokens: $0) })
        #expect(scores == [0, -0.5, -1, -1])
    }

    @Test("contains: the text exactly, colons and case included")
    func contains() throws {
        let scorer = try RuleScorer("contains:Answer: 4")
        #expect(try scorer.scores([item("Answer: 42"), item("answer: 4"), item("Answer:4")]) == [1, 0, 0])
    }

    @Test("regex: a match anywhere in the response")
    func regex() throws {
        let scorer = try RuleScorer(#"regex:^[A-Z].*:\s\d+\.$"#)
        #expect(try scorer.scores([item("Sum: 42."), item("sum: 42."), item("Sum: x")]) == [1, 0, 0])
    }

    @Test("Texts and patterns are compared by code points")
    func codePoints() throws {
        let texts = ["a caf\u{E9}", "a cafe\u{301}"].map { item($0) }
        for kind in ["contains", "regex"] {
            #expect(try RuleScorer("\(kind):caf\u{E9}").scores(texts) == [1, 0])
            #expect(try RuleScorer("\(kind):cafe\u{301}").scores(texts) == [0, 1])
            #expect(try RuleScorer("\(kind):cafe").scores(texts) == [0, 1])
        }
    }

    @Test("Responses keep their order, and none is no score")
    func order() throws {
        let scorer = try RuleScorer("count:a")
        #expect(
            try scorer.scores((0..<50).map { item(String(repeating: "a ", count: $0)) }) == (0..<50).map(Double.init))
        #expect(try scorer.scores([]) == [])
    }

    @Test(
        "A mistake is one line that says what can stand there, with status 2",
        arguments: [
            ("cuont:the", "did you mean 'rule:count:WORD'?"),
            ("perplexity", "the rules are rule:count:WORD, rule:length:TOKENS"),
            ("", "unknown reward 'rule:'"),
            ("count", "nothing follows 'count'"),
            ("count: ", "nothing follows 'count'"),
            ("length:long", "'long' is not a whole number above 0; write rule:length:TOKENS"),
            ("length:0", "'0' is not a whole number above 0"),
            ("regex:(a", "not a regular expression"),
        ])
    func mistakes(text: String, expected: String) throws {
        let error = try #require(throws: RuleError.self) { try RuleScorer.check(text) }
        #expect(error.description.contains(expected))
        #expect(!error.description.contains("\n"))
        #expect(error.exitStatus == 2)
    }

    @Test("A far-off name gets no guess")
    func noGuess() throws {
        let error = try #require(throws: RuleError.self) { try RuleScorer.check("perplexity:3") }
        #expect(!error.description.contains("did you mean"))
    }

    @Test("The help lists every rule, and every rule it lists can be written")
    func usage() throws {
        let lines = RuleScorer.usage.split(separator: "\n")
        #expect(lines.count == RewardRule.Name.allCases.count)
        for line in lines {
            let form = try #require(line.split(separator: " ").first)
            try RuleScorer.check(String(form.dropFirst("rule:".count)).replacing("TOKENS", with: "12"))
        }
    }
}

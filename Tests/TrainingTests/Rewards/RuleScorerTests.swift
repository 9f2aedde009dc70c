import JSON
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

    @Test(
        "number: the response's last number is the column's, however either is written",
        arguments: [
            ("So it is 42.", "42", 1.0), ("1,234,567", "1234567.0", 1), ("$1,234.50 in all.", "1234.5", 1),
            ("-7", "-7", 1), ("It is \u{2212}7", "-7", 1), ("10-7", "-7", 0), ("10-7", "7", 1), ("-$3", "-3", 1),
            ("42 or 43", "42", 0), ("no number", "0", 0), ("-0.0", "0", 1), ("007", "7", 1), ("1,23", "23", 1),
            ("12,345,67", "67", 1), (".5", "0.50", 1), ("1.5e3", "1500", 1), ("3 eggs", "3", 1), ("v1.2.3", "3", 1),
            ("99999999999999999999.5", "99999999999999999999.50", 1),
            ("99999999999999999998", "99999999999999999999", 0),
        ])
    func number(completion: String, digits: String, expected: Double) throws {
        let scorer = try RuleScorer("number:answer")
        let items = [.string("9 and 9 make\n#### \(digits)"), .number(digits)].map { item(completion, answer: $0) }
        #expect(try scorer.scores(items) == [expected, expected])
    }

    @Test("after: what follows the response's last mark is the column's text, or what follows the mark in that")
    func after() throws {
        let scorer = try RuleScorer("after:The answer is::answer")
        let responses = ["The answer is: yes\n", "yes", "The answer is: no. The answer is: yes", "The answer is: Yes"]
        for answer in [" yes", "Because. The answer is: yes "] {
            let items = responses.map { item($0, answer: .string(answer)) }
            #expect(try scorer.scores(items) == [1, 0, 1, 0])
        }
        #expect(try RuleScorer("after:#:answer").scores([item("#4", answer: .number("4"))]) == [1])
    }

    @Test(
        "A row without the column, or without an answer in it, is refused with its place",
        arguments: [
            ("number:anser", JSON.number("1"), "'anser' is missing"), ("number:anser", .number("1"), "'answer'?"),
            ("number:solution", .number("1"), "beside prompt and responses the row has 'answer'"),
            ("number:answer", .string("four"), "'answer' has no number in it"),
            ("number:answer", .null, "'answer' is null, not a number or a text"),
            ("after:#:answer", .string("4 # "), "'answer' has no answer behind '#'"),
        ])
    func columns(rule: String, answer: JSON, expected: String) throws {
        for completion in ["# 1", "none"] {
            let error = try #require(throws: RunError.self) {
                try RuleScorer(rule).scores([item(completion, answer: answer)])
            }
            #expect(error.description.hasPrefix("rows.jsonl:3: "))
            #expect(error.description.contains(expected) && error.description.contains("reward rule:\(rule) "))
            #expect(error.exitStatus == 2)
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
            ("number", "nothing follows 'number'; write rule:number:COLUMN"),
            ("after:answer", "'answer' is no mark with a column behind a colon; write rule:after:MARK:COLUMN"),
            ("after::answer", "is no mark"), ("after:#:", "is no mark"),
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

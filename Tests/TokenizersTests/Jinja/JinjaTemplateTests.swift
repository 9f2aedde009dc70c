import Foundation
import JSON
import TestSupport
import Testing
import Tokenizers

@Suite("Jinja")
struct JinjaTemplateTests {
    @Test("Every construct renders, or fails, as in transformers")
    func constructs() throws {
        let cases = try JinjaFixtures.constructs()
        #expect(cases.count > 100)
        for test in cases {
            let result = Result { try JinjaTemplate(test.template).render(test.variables, date: JinjaFixtures.date) }
            switch (result, test.text) {
            case (.success(let text), let expected?):
                #expect(Array(text.utf8) == Array(expected.utf8), "\(test.name): \(text.debugDescription)")
            case (.success(let text), nil): Issue.record("\(test.name) renders \(text.debugDescription)")
            case (.failure(let error), _?): Issue.record("\(test.name): \(error)")
            case (.failure(let error), nil): #expect(error is JinjaError)
            }
        }
    }

    @Test("Templates at random render, or fail, as in transformers")
    func generated() throws {
        let file = try String(contentsOf: TestSupport.fixture("jinja/generated.jsonl"), encoding: .utf8)
        try compare(JinjaFixtures.generated(file), allowing: 0)
    }

    @Test(
        "Ten thousand other templates at random do",
        .enabled(if: TestSupport.runsLongTests && TestSupport.transformersPython != nil))
    func manyGenerated() throws {
        let python = try #require(TestSupport.transformersPython)
        let script = TestSupport.fixture("jinja/generate.py").path
        let job = try Job(python, [script, "10000", "\(UInt32.random(in: 1...9999))"], timeLimit: 3600).run()
        #expect(job.status == 0, "\(job.errors)")
        // Python's integers have no end.
        try compare(JinjaFixtures.generated(job.output), allowing: 10)
    }

    /// - Parameter allowing: How many may need integers past 64 bits, which are refused here.
    private func compare(_ cases: [JinjaCase], allowing refused: Int) throws {
        #expect(cases.count { $0.text != nil } > cases.count / 2)
        var limits = 0
        for test in cases {
            do {
                let text = try JinjaTemplate(test.template).render(test.variables, date: JinjaFixtures.date)
                #expect(test.text.map { Array($0.utf8) } == Array(text.utf8), "\(test.template)")
            } catch {
                if error.kind == .limit, test.text != nil {
                    limits += 1
                } else {
                    #expect(test.text == nil, "\(test.template): \(error)")
                }
            }
        }
        #expect(limits <= refused)
    }

    @Test("What generation blocks hold is told by its bytes")
    func generations() throws {
        let template = try JinjaTemplate(
            "é{% for m in messages %}{% generation %}{{ m }}\n{% endgeneration %}|{% endfor %}")
        let variables = try JinjaFixtures.object(#"{"messages": ["ä", "", "bc"]}"#)
        let rendering = try template.renderWithGenerations(variables)
        #expect(rendering.text == "éä\n|\n|bc\n|")
        let parts = rendering.generations.map { String(decoding: Array(rendering.text.utf8)[$0], as: UTF8.self) }
        #expect(parts == ["ä\n", "\n", "bc\n"])
    }

    @Test("A generation block whose text a macro or block collects has no place, and is refused where one is asked for")
    func capturedGenerations() throws {
        let template = try JinjaTemplate("{% set x %}{% generation %}a{% endgeneration %}{% endset %}{{ x | upper }}")
        #expect(try template.render(JSONObject()) == "A")
        let error = #expect(throws: JinjaError.self) { try template.renderWithGenerations(JSONObject()) }
        #expect(error?.kind == .unsupported && error?.column == 15)
    }

    @Test("A template that writes today's date needs one")
    func date() throws {
        let template = try JinjaTemplate("{{ strftime_now('%d %b %Y') }}")
        #expect(try template.render(JSONObject(), date: JinjaDate(year: 2024, month: 2, day: 29)) == "29 Feb 2024")
        #expect(JinjaDate(year: 2023, month: 2, day: 29) == nil)
        #expect(throws: JinjaError.self) { try template.render(JSONObject()) }
    }

    @Test("One template renders on many threads at once")
    func threads() async throws {
        let template = try JinjaTemplate(
            "{% macro m(x) %}{{ x }}{% endmacro %}{% for i in range(n) %}{{ m(i) }}{% endfor %}")
        let texts = try await withThrowingTaskGroup(of: String.self) { group in
            for n in 1...20 {
                group.addTask { try template.render(JinjaFixtures.object(#"{"n": \#(n)}"#)) }
            }
            return try await group.reduce(into: Set<String>()) { $0.insert($1) }
        }
        #expect(texts.count == 20 && texts.contains("01234"))
    }
}

import JSON
import Testing
import Tokenizers

@Suite("Errors of Jinja templates")
struct JinjaErrorTests {
    struct Failure: CustomTestStringConvertible {
        var template: String
        var line: Int, column: Int
        var kind: JinjaError.Kind
        var words: String

        init(_ template: String, _ line: Int, _ column: Int, _ kind: JinjaError.Kind, _ words: String) {
            (self.template, self.line, self.column, self.kind, self.words) = (template, line, column, kind, words)
        }

        var testDescription: String { template.debugDescription }
    }

    static let failures = [
        Failure("a\n  {{ 1 + }}", 2, 10, .syntax, "an expression is expected, not '}}'"),
        Failure("{% if x %}\nb", 2, 2, .syntax, "'elif' or 'else' or 'endif'"),
        Failure("{% for x in y %}{% endif %}", 1, 20, .syntax, "unknown statement 'endif'; 'endfor' or 'else'"),
        Failure("é{{ 'abc }}", 1, 5, .syntax, "a string does not end"),
        Failure("{# a", 1, 1, .syntax, "a comment does not end"),
        Failure("{{ (a] }}", 1, 6, .syntax, "']' where ')' is expected"),
        Failure("{{ a ? b }}", 1, 6, .syntax, "unexpected character \"?\""),
        Failure("{% set true = 1 %}", 1, 8, .syntax, "'true' cannot be assigned to"),
        Failure("{{ '\\ud800' }}", 1, 5, .syntax, "an escape is no character"),
        Failure("{% continue %}", 1, 4, .syntax, "'continue' outside of a loop"),
        Failure("x\n{{ message.role.x }}", 2, 16, .evaluation, "message.role is not defined"),
        Failure("{{ 'é' }}{{ 'a' - 1 }}", 1, 17, .evaluation, "'-' has no result for a string and a integer"),
        Failure("{{ message }}{{ message['a'] + '' }}", 1, 30, .evaluation, "message['a'] is not defined"),
        Failure("{{ [1] | nothing }}", 1, 10, .evaluation, "there is no filter 'nothing'"),
        Failure("{% if 1 is\n nothing %}{% endif %}", 1, 9, .evaluation, "there is no test 'nothing'"),
        Failure("{{ 'a'.nothing() }}", 1, 15, .evaluation, "'a'.nothing is not defined"),
        Failure("{{ [].append(1) }}", 1, 13, .evaluation, "'append' would change the list"),
        Failure("{{ missing() }}", 1, 11, .evaluation, "missing is not defined"),
        Failure("{{ 'a'.center() }}", 1, 14, .evaluation, "'center' needs its argument 'width'"),
        Failure("{{ [1, 'a'] | sort }}", 1, 15, .evaluation, "'<' cannot compare"),
        Failure("{{ 9223372036854775807 + 1 }}", 1, 24, .limit, "an integer is past 64 bits"),
        Failure(
            "{{ range(0, 9223372036854775807, 4611686018427387904)[:] }}", 1, 54, .limit, "an integer is past 64 bits"),
        Failure("{% if false %}{% include 'a' %}{% endif %}\n{% include 'b' %}", 2, 4, .unsupported, "'include'"),
        Failure("{{ 'a' | urlize }}", 1, 10, .unsupported, "the filter 'urlize'"),
        Failure("{{ lipsum() }}", 1, 10, .unsupported, "the function 'lipsum'"),
        Failure("a{{ raise_exception('not\nthis') }}", 1, 20, .raised, "refuses the conversation: not this"),
    ]

    @Test("Say in one line where they are, and what was not understood", arguments: failures)
    func positions(_ failure: Failure) throws {
        let variables = try JinjaFixtures.object(#"{"message": {}}"#)
        let error = #expect(throws: JinjaError.self) { try JinjaTemplate(failure.template).render(variables) }
        let found = try #require(error)
        #expect(found.kind == failure.kind)
        #expect((found.line, found.column) == (failure.line, failure.column), "\(found)")
        #expect(found.description.contains(failure.words), "\(found)")
        #expect(!found.description.contains { $0.isNewline })
    }

    @Test("What a template raises is kept as the template says it")
    func raised() throws {
        let error = #expect(throws: JinjaError.self) {
            try JinjaTemplate("{{ raise_exception('a\nb') }}").render(JSONObject())
        }
        #expect(error?.message == "a\nb")
    }

    @Test("What is not known is no error where it is not reached")
    func unreached() throws {
        let template = try JinjaTemplate(
            "{% if false %}{{ 1 | nothing }}{{ x is nothing }}{% extends 'a' %}{% endif %}a")
        #expect(try template.render(JSONObject()) == "a")
    }
}

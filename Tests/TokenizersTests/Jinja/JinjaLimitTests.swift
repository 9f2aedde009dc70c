import JSON
import Testing
import Tokenizers

@Suite("Limits of Jinja templates")
struct JinjaLimitTests {
    /// Each takes more time, memory or stack than a template may.
    static let hostile = [
        "{{ 'a' * 10 ** 12 }}",
        "{{ 'a' * 9223372036854775807 }}",
        "{{ [1] * 10 ** 12 }}",
        "{{ range(10 ** 12) | list }}",
        "{{ range(-9223372036854775807, 9223372036854775807) | list }}",
        "{{ 'a' | center(10 ** 12) }}",
        "{{ 'a'.ljust(10 ** 12) }}",
        "{{ 'a'.zfill(10 ** 12) }}",
        "{{ '\t'.expandtabs(10 ** 12) }}",
        "{{ '%1000000000d' % 1 }}",
        "{{ '%.1000000000d' % 1 }}",
        "{{ '%*d' % (10 ** 9, 1) }}",
        "{{ '{:1000000000}'.format(1) }}",
        "{{ 'a' | indent(10 ** 12) }}",
        "{{ [1] | tojson(indent=10 ** 12) }}",
        "{{ [1] | batch(10 ** 12, 0) | list }}",
        "{{ [1] | slice(10 ** 12) | list }}",
        "{% set a = 'a' * 10 ** 6 %}{{ a.replace('', a) }}",
        "{% set a = 'a' * 10 ** 6 %}{{ a | replace('a', a) }}",
        "{% set a = 'a' * 10 ** 6 %}{{ a.join(a) }}",
        "{% set a = 'a' * 10 ** 6 %}{{ (a | list) | join(a) }}",
        "{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}",
        "{% for a in range(100000) %}{{ 'a' * 10000 }}{% endfor %}",
        "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
        "{% macro m() %}{{ caller() }}{% endmacro %}{% macro n() %}{% call m() %}{{ n() }}{% endcall %}{% endmacro %}{{ n() }}",
        "{% for x in [1] recursive %}{{ loop([1]) }}{% endfor %}",
        "{% set ns = namespace(x=1) %}{% for i in range(100000) %}{% set ns.x = [ns.x] %}{% endfor %}{{ ns.x }}",
        "{% set ns = namespace(x=1) %}{% for i in range(100000) %}{% set ns.x = (ns.x,) %}{% endfor %}",
        "{% set ns = namespace(x=1) %}{% for i in range(100000) %}{% set ns.x = {'a': ns.x} %}{% endfor %}",
        "{% set ns = namespace(x=[1]) %}{% for i in range(100000) %}{% set ns.x = ns.x | select %}{% endfor %}{{ ns.x | list }}",
        "{% set ns = namespace(x=[1]) %}{% for i in range(100000) %}{% for j in [ns.x] %}{% set ns.x = loop %}{% endfor %}{% endfor %}",
        "{% set ns = namespace(x=[1]) %}{% for i in range(60) %}{% set ns.x = [ns.x, ns.x] %}{% endfor %}{{ ns.x }}",
        "{% set ns = namespace(x=[1], y=[1]) %}{% for i in range(60) %}{% set ns.x = [ns.x, ns.x] %}{% set ns.y = [ns.y, ns.y] %}{% endfor %}{{ ns.x == ns.y }}",
        "{% set ns = namespace(x=[1], y=[1]) %}{% for i in range(60) %}{% set ns.x = [ns.x, ns.x] %}{% set ns.y = [ns.y, ns.y] %}{% endfor %}{{ ns.x < ns.y }}",
        "{% set ns = namespace(x=[1]) %}{% for i in range(60) %}{% set ns.x = [ns.x, ns.x] %}{% endfor %}{{ ns.x | tojson }}",
        "{% set ns = namespace(x='ab') %}{% for i in range(60) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}",
        "{% set ns = namespace(x='ab') %}{% for i in range(60) %}{% set ns.x = ns.x + ns.x %}{% endfor %}",
        "{% set a = 'a' * 10 ** 7 %}{% for i in range(100000) %}{{ a | upper | length }}{% endfor %}",
        "{% set a = 'a' * 10 ** 7 %}{% for i in range(100000) %}{{ a is lower }}{% endfor %}",
        "{% set a = 'é' * 10 ** 6 %}{% for i in range(100000) %}{{ a[i] }}{% endfor %}",
        "{% set a = 'a' * 10 ** 7 %}{% for i in range(100000) %}{{ ('b' in a) }}{{ a.find('b') }}{% endfor %}",
        "{% set a = 'a' * 10 ** 6 %}{% set d = {a: 1} %}{% for i in range(100000) %}{{ d[a] }}{{ a in d }}{% endfor %}",
        "{% set a = 'a' * 10 ** 6 %}{% set b = a ~ '' %}{% for i in range(100000) %}{{ a == b }}{{ a < b }}{% endfor %}",
        "{{ strftime_now('%999999999d') }}",
    ]

    @Test("What takes too much ends in an error that says so", arguments: hostile)
    func limits(_ template: String) throws {
        var limits = JinjaLimits()
        limits.steps = 1 << 20
        limits.outputBytes = 1 << 22
        let error = #expect(throws: JinjaError.self) {
            try JinjaTemplate(template).render(JSONObject(), date: JinjaFixtures.date, limits: limits)
        }
        #expect(error?.kind == .limit, "\(String(describing: error))")
    }

    @Test(
        "What nests too deep, or is too long, is refused when it is read",
        arguments: [
            ("(", 100_000), ("[", 100_000), ("{0: ", 100_000), ("-", 100_000), ("not ", 100_000), ("a if ", 100_000),
            ("a + ", 50_000), ("a ** ", 50_000), ("a.", 50_000), ("f(", 50_000), ("a[", 50_000), ("1 is ", 50_000),
            ("a | b(", 50_000), ("a if b else ", 20_000), ("a | upper | ", 20_000), ("{", 100_000),
        ])
    func nesting(_ text: String, _ count: Int) {
        let template = "{{ " + String(repeating: text, count: count) + "1 }}"
        #expect(throws: JinjaError.self) { try JinjaTemplate(template) }
    }

    @Test("Blocks that nest too deep are refused when they are read")
    func blocks() {
        for text in [
            "{% if a %}", "{% for a in b %}", "{% macro a() %}", "{% filter upper %}", "{% set a %}", "{% call a() %}",
        ] {
            let error = #expect(throws: JinjaError.self) { try JinjaTemplate(String(repeating: text, count: 20_000)) }
            #expect(error?.kind == .limit)
        }
        #expect(throws: JinjaError.self) { try JinjaTemplate(String(repeating: "a", count: 1 << 20 | 1)) }
    }

    @Test("As deep as any template needs is read and rendered")
    func depth() throws {
        let parentheses = String(repeating: "(", count: 40) + "7" + String(repeating: ")", count: 40)
        let blocks = String(repeating: "{% if true %}", count: 40)
        let ends = String(repeating: "{% endif %}", count: 40)
        #expect(try JinjaTemplate(blocks + "{{ \(parentheses) }}" + ends).render(JSONObject()) == "7")
        let macro = "{% macro m(n) %}{% if n %}{{ m(n - 1) }}{% else %}end{% endif %}{% endmacro %}{{ m(50) }}"
        #expect(try JinjaTemplate(macro).render(JSONObject()) == "end")
        let sum = (1...200).map(String.init).joined(separator: " + ")
        #expect(try JinjaTemplate("{{ \(sum) }}").render(JSONObject()) == "20100")
    }

    @Test("Limits are those that are passed")
    func passed() throws {
        let template = try JinjaTemplate("{% for i in range(100) %}{{ i }}{% endfor %}")
        var limits = JinjaLimits()
        limits.outputBytes = 100
        #expect(throws: JinjaError.self) { try template.render(JSONObject(), limits: limits) }
        limits.outputBytes = 1000
        #expect(try template.render(JSONObject(), limits: limits).utf8.count == 190)
        limits.steps = 100
        #expect(throws: JinjaError.self) { try template.render(JSONObject(), limits: limits) }
    }
}

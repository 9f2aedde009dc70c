import Foundation
import JSON
import TestSupport
import Tokenizers

/// A template, its variables, and what transformers renders from them: nothing where it fails.
struct JinjaCase {
    var name: String
    var template: String
    var variables: JSONObject
    var text: String?
}

enum JinjaFixtures {
    /// The date that fixtures were made on.
    static let date = JinjaDate(year: 2026, month: 7, day: 4, hour: 9, minute: 5, second: 3)

    /// Templates for every construct.
    static func constructs() throws -> [JinjaCase] {
        let data = try Data(contentsOf: TestSupport.fixture("jinja/constructs.json"))
        guard case .object(let file) = try data.withUnsafeBytes({ try JSON(parsing: $0) }),
            case .object(let variables)? = file["variables"], case .array(let cases)? = file["cases"]
        else { throw JinjaFixtureError() }
        return try cases.map { try read($0, [variables]) }
    }

    /// Templates at random, as `generate.py` writes them.
    static func generated(_ lines: String) throws -> [JinjaCase] {
        var values = try lines.split(separator: "\n").map { try JSON(parsing: String($0)) }[...]
        guard case .object(let first)? = values.popFirst(), case .array(let sets)? = first["variables"] else {
            throw JinjaFixtureError()
        }
        let variables = sets.compactMap { if case .object(let object) = $0 { object } else { nil } }
        return try values.map { try read($0, variables) }
    }

    static func object(_ text: String) throws -> JSONObject {
        guard case .object(let object) = try JSON(parsing: text) else { throw JinjaFixtureError() }
        return object
    }

    private static func read(_ json: JSON, _ variables: [JSONObject]) throws -> JinjaCase {
        guard case .object(let object) = json, let template = object["template"]?.text else {
            throw JinjaFixtureError()
        }
        return JinjaCase(
            name: object["name"]?.text ?? template, template: template,
            variables: variables[object["variables"]?.integer ?? 0], text: object["text"]?.text)
    }
}

struct JinjaFixtureError: Error {}

import Foundation
import JSON
import Testing

@Suite("JSON values")
struct JSONTests {
    @Test("Order of keys, digits of numbers and text come out as they went in")
    func keepsWhatItRead() throws {
        let line = #"{"z": 1.10, "a": [true, false, null, -0, 1E5, 12345678901234567890], "é": {"": "\u0000\n/"}}"#
        #expect(try JSON(parsing: line).line == line)
        #expect(try JSON(parsing: " [ 1 ,2,\t{ } , [] ] \r\n").line == "[1, 2, {}, []]")
        #expect(try JSON(parsing: #""\u00e9\ud83d\ude42\/""#) == .string("é🙂/"))
    }

    @Test("A key that comes twice can be refused, in any object, by its place")
    func refusedKeys() throws {
        let many = (0..<40).map { "\"k\($0)\": \($0)" }.joined(separator: ", ")
        for (text, key, offset) in [
            (#"{"a": 1, "b": 2, "a": 3}"#, "a", 17), (#"[{"b": {"c": 1, "c": 1}}]"#, "c", 16),
            ("{\(many), \"k7\": 0}", "k7", many.utf8.count + 3),
        ] {
            let error = try #require(throws: JSONError.self) { try JSON(parsing: text, repeatedKeys: .refused) }
            #expect(error.repeatedKey == key && error.offset == offset && error.reason.contains("'\(key)' twice"))
        }
        // Keys are told by their code points, and a value may be that of its neighbour.
        for text in ["{\"\u{E9}\": 1, \"e\u{301}\": 2}", #"{"a": {"a": 1}, "b": {"a": 1}}"#, "{\(many)}"] {
            #expect(try JSON(parsing: text, repeatedKeys: .refused) == JSON(parsing: text))
        }
    }

    @Test("Of a key that comes twice the last value counts, at the position of the first, or all are kept")
    func repeatedKeys() throws {
        for more in [0, 20] {
            let others = (0..<more).map { "\"\($0)\": 0, " }.joined()
            let line = "{\(others)\"a\": 1, \"b\": 2, \"a\": 3}"
            #expect(try JSON(parsing: line).line == "{\(others)\"a\": 3, \"b\": 2}")
            let kept = try JSON(parsing: line, repeatedKeys: .kept)
            #expect(kept.line == line)
            guard case .object(var object) = kept else {
                Issue.record("not an object")
                return
            }
            #expect(object["a"] == .number(3))
            object["a"] = nil
            #expect(object["a"] == nil && object.keys.count == more + 1)
        }
    }

    @Test("Keys are compared by their code points, however many there are")
    func keys() throws {
        let names = ["caf\u{E9}", "cafe\u{301}", "\u{212B}", "\u{C5}"]
        for more in [0, 20] {
            let all = (0..<more).map { "\($0)" } + names
            let line = "{" + all.enumerated().map { "\"\($1)\": \($0)" }.joined(separator: ", ") + "}"
            let value = try JSON(parsing: line)
            #expect(Array(value.line.utf8) == Array(line.utf8))
            guard case .object(let object) = value else {
                Issue.record("not an object")
                return
            }
            #expect(names.map { object[$0] } == (0..<4).map { .number($0 + more) })
        }
        #expect(JSON.string(names[0]) != JSON.string(names[1]))
    }

    @Test("An object of many keys is read in time that grows with their number alone")
    func manyKeys() throws {
        let line = "{" + (0..<200_000).map { "\"\($0 % 150_000)\": \($0)" }.joined(separator: ", ") + "}"
        guard case .object(let object) = try JSON(parsing: line) else {
            Issue.record("not an object")
            return
        }
        #expect(object.entries.count == 150_000 && object.entries[0].value == .number(150_000))
    }

    @Test("A number is an integer where it is written as one and fits")
    func integers() throws {
        let expected: [(String, Int?)] = [
            ("0", 0), ("-0", 0), ("-7", -7), ("9223372036854775807", .max), ("9223372036854775808", nil), ("1.0", nil),
            ("1e3", nil), ("true", nil), ("\"1\"", nil),
        ]
        for (text, integer) in expected { #expect(try JSON(parsing: text).integer == integer, "\(text)") }
        #expect(try JSON(parsing: "1E-3").double == 0.001)
    }

    @Test("A Double reads back to the same bits, and one that is not finite has no JSON")
    func doubles() throws {
        var random = Random(seed: 8)
        for _ in 0..<1000 {
            let value = Double(bitPattern: random.next())
            guard value.isFinite else { continue }
            let line = try #require(JSON(value)).line
            #expect(try JSON(parsing: line).double?.bitPattern == value.bitPattern)
        }
        #expect(JSON(Double.nan) == nil)
        #expect(JSON(-Double.infinity) == nil)
    }
}

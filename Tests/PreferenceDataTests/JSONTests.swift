import Foundation
import PreferenceData
import Testing

@Suite("JSON")
struct JSONTests {
    @Test("Order of keys, digits of numbers and text come out as they went in")
    func keepsWhatItRead() throws {
        let line = #"{"z": 1.10, "a": [true, false, null, -0, 1E5, 12345678901234567890], "é": {"": "\u0000\n/"}}"#
        #expect(JSON.parse(line)?.line == line)
        #expect(JSON.parse(" [ 1 ,2,\t{ } , [] ] \r\n")?.line == "[1, 2, {}, []]")
        #expect(JSON.parse(#""\u00e9\ud83d\ude42\/""#) == .string("é🙂/"))
        #expect(JSON.parse(#"{"a": 1, "b": 2, "a": 3}"#)?.line == #"{"a": 3, "b": 2}"#)
    }

    @Test("Keys are compared by their code points, however many there are")
    func keys() throws {
        let names = ["caf\u{E9}", "cafe\u{301}", "\u{212B}", "\u{C5}"]
        for more in [0, 20] {
            let all = (0..<more).map { "\($0)" } + names
            let line = "{" + all.enumerated().map { "\"\($1)\": \($0)" }.joined(separator: ", ") + "}"
            let value = try #require(JSON.parse(line))
            #expect(Array(value.line.utf8) == Array(line.utf8))
            guard case .object(let object) = value else {
                Issue.record("not an object")
                return
            }
            #expect(names.map { object[$0] } == (0..<4).map { .number($0 + more) })
        }
        #expect(JSON.string(names[0]) != JSON.string(names[1]))
    }

    @Test("What Python writes for numbers that are none is named")
    func notANumber() {
        for word in ["NaN", "Infinity", "-Infinity"] {
            #expect(JSON.notANumber(in: "{\"a\": [1, \(word)]}") == word)
        }
        #expect(JSON.notANumber(in: "Nan") == nil && JSON.notANumber(in: "[-1]") == nil)
    }

    @Test(
        "What RFC 8259 forbids is refused",
        arguments: [
            "", " ", "{", "[", "[1,]", "{\"a\":1,}", "{\"a\" 1}", "{a: 1}", "{'a': 1}", "01", "1.", ".5", "-", "1e",
            "+1", "NaN",
            "Infinity", "tru", "nul", "truee", "\"a", "\"\\x\"", "\"\\u12\"", "\"\\u12g4\"", "\"\\ud800\"",
            "\"\\udc00\"",
            "\"\\ud800\\u0041\"", "\"a\nb\"", "1 2", "[1] x", "\"\\",
        ])
    func refuses(_ text: String) {
        #expect(JSON.parse(text) == nil)
    }

    @Test("Nesting without end is refused")
    func refusesNesting() {
        #expect(JSON.parse(String(repeating: "[", count: 100_000)) == nil)
    }

    @Test("Random values read back as they were, and Foundation reads them alike")
    func roundTrip() throws {
        var random = SplitMix64(7)
        for _ in 0..<500 {
            let value = random.value(depth: 0)
            let line = value.line
            let again = try #require(JSON.parse(line))
            #expect(Array(again.line.utf8) == Array(line.utf8))
            #expect(again == value)
            #expect(!line.contains("\n"))
            let foundation = try JSONSerialization.jsonObject(with: Data(line.utf8), options: .fragmentsAllowed)
            #expect(isSame(value, foundation), "\(line)")
        }
    }

    @Test("A Double reads back to the same bits, and one that is not finite has no JSON")
    func doubles() throws {
        var random = SplitMix64(8)
        for _ in 0..<1000 {
            let value = Double(bitPattern: random.next())
            guard value.isFinite else { continue }
            let line = try #require(JSON(value)).line
            #expect(JSON.parse(line)?.double?.bitPattern == value.bitPattern)
        }
        #expect(JSON(Double.nan) == nil)
        #expect(JSON(-Double.infinity) == nil)
    }

    private func isSame(_ value: JSON, _ other: Any) -> Bool {
        switch value {
        case .null: other is NSNull
        case .bool(let bool): (other as? NSNumber)?.boolValue == bool
        case .number: (other as? NSNumber)?.doubleValue == value.double
        case .string(let text): (other as? String).map { Array($0.utf8) == Array(text.utf8) } ?? false
        case .array(let values):
            (other as? [Any]).map { $0.count == values.count && zip(values, $0).allSatisfy(isSame) } ?? false
        case .object(let object):
            (other as? [String: Any]).map { other in
                other.count == object.entries.count
                    && object.entries.allSatisfy { entry in other[entry.key].map { isSame(entry.value, $0) } ?? false }
            } ?? false
        }
    }
}

extension SplitMix64 {
    fileprivate mutating func value(depth: Int) -> JSON {
        switch next(below: depth < 4 ? 6 : 4) {
        case 0: return .null
        case 1: return .bool(next(below: 2) == 0)
        case 2: return .number("\(Double(next(below: 1 << 30)) / 64)")
        case 3: return .string(text(next(below: 40)))
        case 4: return .array((0..<next(below: 4)).map { _ in value(depth: depth + 1) })
        default:
            var object = JSONObject()
            for place in 0..<next(below: 4) { object["\(place)" + text(3)] = value(depth: depth + 1) }
            return .object(object)
        }
    }
}

import Foundation
import JSON
import Testing

@Suite("Writing JSON")
struct JSONWritingTests {
    private let value = JSON.object(
        JSONObject(uniqueKeysWithValues: [
            ("b", .array([.number(1), .null, .array([])])), ("a\n", .object(JSONObject())), ("é", .string("\u{8}/\"")),
        ]))

    @Test("A value is written on one line as Python does, without spaces, or over several lines")
    func forms() {
        #expect(value.line == #"{"b": [1, null, []], "a\n": {}, "é": "\b/\""}"#)
        #expect(value.compact == #"{"b":[1,null,[]],"a\n":{},"é":"\b/\""}"#)
        #expect(
            value.indented() == """
                {
                  "b": [
                    1,
                    null,
                    []
                  ],
                  "a\\n": {},
                  "é": "\\b/\\""
                }
                """)
    }

    @Test("Escapes are short, codes alone, or also of what is not shown")
    func escapes() {
        let text = "\u{0}\u{8}\t\n\u{C}\r\u{1F}\"\\/ \u{7F}\u{80}\u{9F}\u{A0}é\u{2027}\u{2028}\u{2029}\u{FEFF}\u{FEFE}🙂"
        let rest = "\u{7F}\u{80}\u{9F}\u{A0}é\u{2027}\u{2028}\u{2029}\u{FEFF}\u{FEFE}🙂\""
        #expect(JSON.quoted(text) == #""\u0000\b\t\n\f\r\u001f\"\\/ "# + rest)
        #expect(JSON.quoted(text, .codes) == #""\u0000\u0008\u0009\u000a\u000c\u000d\u001f\"\\/ "# + rest)
        #expect(
            JSON.quoted(text, .invisible) == #""\u0000\u0008\t\n\u000c\r\u001f\"\\/ \u007f\u0080\u009f"#
                + "\u{A0}é\u{2027}" + #"\u2028\u2029\ufeff"# + "\u{FEFE}🙂\"")
        #expect(JSON.string(text).indented(.codes) == JSON.quoted(text, .codes))
    }

    @Test("Random values read back as they were, and Foundation reads them alike")
    func roundTrip() throws {
        var random = Random(seed: 7)
        for _ in 0..<500 {
            let value = random.value(depth: 0)
            let line = value.line
            #expect(!line.contains("\n"))
            for text in [line, value.compact, value.indented(), value.indented(.codes), value.indented(.invisible)] {
                let again = try JSON(parsing: text)
                #expect(Array(again.line.utf8) == Array(line.utf8))
                #expect(again == value)
            }
            let foundation = try JSONSerialization.jsonObject(with: Data(line.utf8), options: .fragmentsAllowed)
            #expect(isSame(value, foundation), "\(line)")
        }
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

/// Numbers that are the same in every run (splitmix64).
struct Random: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var bits = state
        bits = (bits ^ bits >> 30) &* 0xBF58_476D_1CE4_E5B9
        bits = (bits ^ bits >> 27) &* 0x94D0_49BB_1331_11EB
        return bits ^ bits >> 31
    }

    private mutating func below(_ limit: Int) -> Int { Int.random(in: 0..<limit, using: &self) }

    private mutating func text(_ length: Int) -> String {
        let alphabet = Array("ab \"\\/\n\t\u{0}\u{1F}\u{7F}é\u{301}🙂漢\u{2028}")
        return String((0..<length).map { _ in alphabet[below(alphabet.count)] })
    }

    mutating func value(depth: Int) -> JSON {
        switch below(depth < 4 ? 6 : 4) {
        case 0: return .null
        case 1: return .bool(below(2) == 0)
        case 2: return .number("\(Double(below(1 << 30)) / 64)")
        case 3: return .string(text(below(40)))
        case 4: return .array((0..<below(4)).map { _ in value(depth: depth + 1) })
        default:
            var object = JSONObject()
            for index in 0..<below(4) { object["\(index)" + text(3)] = value(depth: depth + 1) }
            return .object(object)
        }
    }
}

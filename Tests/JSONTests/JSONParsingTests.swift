import Foundation
import JSON
import Testing

@Suite("Reading JSON")
struct JSONParsingTests {
    @Test(
        "What RFC 8259 forbids is refused",
        arguments: [
            "", " ", "{", "[", "[1,]", "{\"a\":1,}", "{\"a\" 1}", "{a: 1}", "{'a': 1}", "01", "1.", ".5", "-", "1e",
            "+1", "NaN", "Infinity", "tru", "nul", "truee", "\"a", "\"\\x\"", "\"\\u12\"", "\"\\u12g4\"",
            "\"\\ud800\"", "\"\\udc00\"", "\"\\ud800\\u0041\"", "\"a\nb\"", "1 2", "[1] x", "\"\\", "\u{FEFF}{}",
            "[1}", "{]", "{\"a\":}", "[,]", "\"\\ud800\\", "\"\\ud83d\\ude4\"", "\"\\u\u{FF11}234\"",
        ])
    func refuses(_ text: String) {
        #expect(throws: JSONError.self) { try JSON(parsing: text) }
    }

    @Test(
        "An error says what is wrong and after how many bytes",
        arguments: [
            (#"{"a": 1 "b": 2}"#, 8, "expected ',' or '}'"),
            (#"{"a": [1, 2"#, 11, "it ends where ',' or ']' should come"),
            (#"{"é": x}"#, 7, "expected a value"), (#"{"a" 1}"#, 5, "expected ':'"), ("[tru]", 4, "expected 'true'"),
            ("{1: 2}", 1, "expected a key in quotes"), ("[1] 2", 4, "text after the end of the value"),
            ("[1.]", 3, "expected a digit"),
            ("[\"a\n\"]", 3, "a bare control character in a string; write it as an escape"),
            (#"["abcdefgh\q"]"#, 10, "an unknown escape"), (#"["a\ud800b"]"#, 3, "half of a surrogate pair"),
            (#"["\u00g0"]"#, 6, "expected four hexadecimal digits"), (#"["abc"#, 5, "a string does not end"),
            (
                "{\"a\": [1, -Infinity]}", 10,
                "-Infinity is no value of JSON; write null or a number, or leave the key out"
            ),
        ])
    func errors(_ text: String, offset: Int, reason: String) throws {
        let error = try #require(throws: JSONError.self) { try JSON(parsing: text) }
        #expect(error.offset == offset && error.reason == reason, "\(error)")
    }

    @Test("What Python writes for numbers that are none is named")
    func notANumber() throws {
        for word in ["NaN", "Infinity", "-Infinity"] {
            let error = try #require(throws: JSONError.self) { try JSON(parsing: "{\"a\": [1, \(word)]}") }
            #expect(error.notANumber == word)
        }
        for text in ["Nan", "Inf", "[-I]", "\"\\q\""] {
            let error = try #require(throws: JSONError.self) { try JSON(parsing: text) }
            #expect(error.notANumber == nil)
        }
    }

    @Test("Strings are valid UTF-8, wherever in them a byte is wrong")
    func invalidText() throws {
        let bad: [[UInt8]] = [
            [0x80], [0xC3], [0xC0, 0x80], [0xE2, 0x82], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80],
            [0xF0, 0x9F, 0x98],
            [0xFF],
        ]
        for count in 0..<20 {
            for bytes in bad {
                for tail in ["", "b", "\\n", "\\u00e9 and more than eight"] {
                    let head = String(repeating: "a", count: count)
                    let text = Array("[\"\(head)".utf8) + bytes + Array("\(tail)\"]".utf8)
                    let error = try #require(throws: JSONError.self) {
                        try text.withUnsafeBytes { try JSON(parsing: $0) }
                    }
                    #expect(error.reason == "a string is not valid UTF-8" && error.offset == 2)
                }
            }
        }
    }

    @Test("Quotes, escapes and control characters are found at any position of a long text")
    func positions() throws {
        for count in 0..<40 {
            let head = String(repeating: "é", count: count / 2) + String(repeating: "a", count: count % 2 + count / 3)
            for tail in ["", "x", "12345678", "\u{7F}\u{80}\u{9F} behind it"] {
                #expect(try JSON(parsing: "\"\(head)\(tail)\"") == .string(head + tail))
                #expect(try JSON(parsing: "\"\(head)\\\"\(tail)\"") == .string(head + "\"" + tail))
                #expect(try JSON(parsing: "\"\(head)\\ud83d\\ude42\(tail)\"") == .string(head + "🙂" + tail))
                for control in ["\u{0}", "\n", "\u{1F}"] {
                    let error = try #require(throws: JSONError.self) {
                        try JSON(parsing: "\"\(head)\(control)\(tail)\"")
                    }
                    #expect(error.offset == 1 + head.utf8.count)
                }
            }
        }
    }

    @Test("Nesting ends at 256 levels, and what is deeper is refused whatever it is made of")
    func nesting() throws {
        let deepest = String(repeating: "[", count: 255) + "1" + String(repeating: "]", count: 255)
        #expect(try JSON(parsing: deepest).compact == deepest)
        for (open, offset) in [("[", 256), ("{\"a\":", 256 * 5)] {
            let error = try #require(throws: JSONError.self) {
                try JSON(parsing: String(repeating: open, count: 100_000))
            }
            #expect(error.reason == "nested more than 256 deep" && error.offset == offset)
        }
    }
}

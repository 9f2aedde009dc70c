import Foundation
import JSON
import PreferenceData
import Runs
import Tokenizers
import Training
import Transformers

/// Texts as JSON lists of token ids, a line each.
package struct LineTokenizer: Sendable {
    private let tokenizer: Tokenizer
    private let addsSpecialTokens: Bool

    /// Reads the tokenizer of a directory.
    ///
    /// - Parameter addsSpecialTokens: Whether ids include what the tokenizer puts around a text, such as BOS.
    package init(model: String, addsSpecialTokens: Bool) throws {
        tokenizer = try Tokenizer(directory: ModelDirectory.tokenizer(of: URL(filePath: model)))
        self.addsSpecialTokens = addsSpecialTokens
    }

    /// Writes the ids of each line that comes, which ends in a line feed or with the input; nothing else is taken off it.
    ///
    /// - Throws: ``RunError`` for input that is not UTF-8.
    package func run(_ input: FileHandle, write: (String) throws -> Void) throws {
        var pending = Data()
        var number = 0
        func emit(_ line: Data) throws {
            number += 1
            guard let text = String(validating: line, as: UTF8.self) else {
                throw RunError.other("standard input, line \(number): not UTF-8; convert it with iconv -t UTF-8")
            }
            try write(ids(of: text))
        }
        while case let more = input.availableData, !more.isEmpty {
            if number == 0, pending.isEmpty, !Self.isText(more.prefix(4096)) {
                switch more.withUnsafeBytes({ FileFormat(startingWith: $0) }) {
                case .foreign(let format):
                    throw RunError.other("standard input: it is \(format.name), and text is needed; \(format.remedy)")
                case .arrow(let format):
                    throw RunError.other("standard input: it is \(format.rawValue), and text is needed")
                default: break
                }
            }
            var rest = more[...]
            while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
                try emit(pending + rest[..<end])
                pending = Data()
                rest = rest[(end + 1)...]
            }
            pending += rest
        }
        if !pending.isEmpty { try emit(pending) }
    }

    /// Whether the start of an input is text, whatever it says: a web page is tokenized like any other.
    private static func isText(_ start: Data) -> Bool {
        // It may end within a character.
        !start.contains(0) && (0...3).contains { String(validating: start.dropLast($0), as: UTF8.self) != nil }
    }

    /// The ids of a text, such as `[1, 403, 7]`.
    package func ids(of text: String) -> String {
        JSON(ids: tokenizer.encode(text, addSpecialTokens: addsSpecialTokens)).line
    }
}

extension JSON {
    /// A list of token ids.
    package init(ids: [Int32]) { self = .array(ids.map { .number(Int($0)) }) }
}

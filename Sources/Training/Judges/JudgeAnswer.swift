import JSON
import Runs

/// What a judge is to answer: a JSON object with one key that counts.
package struct JudgeAnswer<Value: Sendable>: Sendable {
    /// What is asked.
    package let mode: JudgeMode
    private let answer: CommandAnswer<Value>
    /// The JSON schema of the value.
    private let valueSchema: JSON
    private let written: @Sendable (Value) -> JSON

    /// - Parameter written: The value as it stands under the key.
    init(
        _ mode: JudgeMode, _ answer: CommandAnswer<Value>, schema: JSON, written: @escaping @Sendable (Value) -> JSON
    ) {
        (self.mode, self.answer, valueSchema, self.written) = (mode, answer, schema, written)
    }

    /// The object in the words of an error message.
    package var form: String { answer.form }

    /// The value as the object that a journal keeps, which ``read(_:)`` reads back.
    package func object(_ value: Value) -> JSON { Self.object([(answer.key, written(value))]) }

    /// The JSON schema of the object.
    package var schema: JSON {
        Self.object([
            ("type", .string("object")), ("properties", Self.object([(answer.key, valueSchema)])),
            ("required", .array([.string(answer.key)])), ("additionalProperties", .bool(false)),
        ])
    }

    /// The value in a reply, which may have text or a code fence around the object, and thoughts before it.
    ///
    /// - Throws: ``CommandAnswerFault`` where the reply has no such object, or several that differ.
    package func read(_ reply: String) throws(CommandAnswerFault) -> Value {
        var fault: CommandAnswerFault?
        var found: Value?
        var isClear = true
        for object in Self.objects(in: reply) {
            do throws(CommandAnswerFault) {
                let value = try answer.read(object[...])
                isClear = isClear && found.map { written($0) == written(value) } ?? true
                found = value
            } catch {
                fault = fault ?? error
            }
        }
        guard isClear else { throw CommandAnswerFault("which has several answers that differ") }
        if let found { return found }
        throw fault ?? CommandAnswerFault("which has no JSON object")
    }

    /// The outermost objects of a text, behind the end of a model's thoughts.
    private static func objects(in reply: String) -> [[UInt8]] {
        var found: [[UInt8]] = []
        var object: [UInt8] = []
        var depth = 0
        var (isInString, isEscaped) = (false, false)
        for byte in reply.behind(last: "</think>").utf8 {
            if depth > 0 || byte == UInt8(ascii: "{") { object.append(byte) }
            guard !isInString else {
                if isEscaped {
                    isEscaped = false
                } else if byte == UInt8(ascii: "\\") {
                    isEscaped = true
                } else if byte == UInt8(ascii: "\"") {
                    isInString = false
                }
                continue
            }
            switch byte {
            case UInt8(ascii: "\"") where depth > 0: isInString = true
            case UInt8(ascii: "{"): depth += 1
            case UInt8(ascii: "}") where depth > 0:
                depth -= 1
                if depth == 0 {
                    found.append(object)
                    object = []
                }
            default: break
            }
        }
        return found
    }

    private static func object(_ entries: [(String, JSON)]) -> JSON {
        .object(JSONObject(uniqueKeysWithValues: entries))
    }
}

extension JudgeAnswer<Double> {
    /// A score of one response.
    package static var score: Self {
        Self(
            .score, .score, schema: .object(JSONObject(uniqueKeysWithValues: [("type", .string("number"))]))
        ) { JSON($0) ?? .null }
    }
}

/// Which of two responses a judge calls the better one, by the place at which it saw them.
package enum PairWinner: String, Sendable, CaseIterable {
    case first = "A"
    case second = "B"
    case tie
}

extension JudgeAnswer<PairWinner> {
    /// The better of two responses.
    package static var winner: Self {
        let choices = PairWinner.allCases.map { JSON.string($0.rawValue) }
        let answer = CommandAnswer<PairWinner>(key: "winner", form: #"{"winner": "A"}, "B" or "tie""#) {
            value throws(CommandAnswerFault) in
            guard let text = value.text,
                let winner = PairWinner.allCases.first(where: { $0.rawValue.lowercased() == text.lowercased() })
            else { throw CommandAnswerFault("whose winner is neither A, B nor tie") }
            return winner
        }
        return Self(
            .pair, answer,
            schema: .object(
                JSONObject(uniqueKeysWithValues: [("type", .string("string")), ("enum", .array(choices))]))
        ) { .string($0.rawValue) }
    }
}

extension String {
    /// What follows the last `mark`; all where there is none.
    fileprivate func behind(last mark: String) -> Substring {
        guard let range = lastRange(of: mark) else { return self[...] }
        return self[range.upperBound...]
    }
}

import JSON

/// What a program answers: a line of JSON with one key that counts.
package struct CommandAnswer<Value>: Sendable {
    /// The key.
    package let key: String
    /// The line in the words of an error message: `{"score": NUMBER}`.
    package let form: String
    private let value: @Sendable (JSON) throws(CommandAnswerFault) -> Value

    /// - Parameter value: Reads what stands under the key.
    package init(key: String, form: String, value: @escaping @Sendable (JSON) throws(CommandAnswerFault) -> Value) {
        (self.key, self.form, self.value) = (key, form, value)
    }

    /// The value on a line; other keys are the program's own.
    package func read(_ line: ArraySlice<UInt8>) throws(CommandAnswerFault) -> Value {
        guard let text = String(validating: line, as: UTF8.self) else { throw CommandAnswerFault("which is not UTF-8") }
        let answer: JSON
        do throws(JSONError) {
            answer = try JSON(parsing: text, repeatedKeys: .kept)
        } catch {
            let why = error.notANumber.map { ": \($0) is no value of JSON" } ?? ""
            throw CommandAnswerFault("which is not JSON\(why)")
        }
        guard case .object(let object) = answer, let found = object[key] else {
            throw CommandAnswerFault("which has no \"\(key)\"")
        }
        guard object.keys.count(where: { $0 == key }) == 1 else {
            throw CommandAnswerFault("which has \"\(key)\" twice")
        }
        return try value(found)
    }
}

/// What is wrong with an answer, in words that follow the line: "whose score is not a number".
package struct CommandAnswerFault: Error {
    package let reason: String

    package init(_ reason: String) { self.reason = reason }
}

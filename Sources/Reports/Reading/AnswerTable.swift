import Foundation
import JSON
import PreferenceData

/// Answers to the same prompts, a column a policy, as a stage has written them.
package struct AnswerTable: Sendable {
    /// One answer.
    package struct Answer: Sendable, Equatable {
        package var text: String
        package var score: Double?
        /// In tokens where the stage says so, else in words.
        package var length: Int
    }

    /// A prompt with an answer a column, `nil` where there is none.
    package struct Row: Sendable, Equatable {
        package var prompt: String
        package var answers: [Answer?]

        /// How much better the last answer is scored than the first.
        package var difference: Double? {
            guard answers.count > 1, let first = answers.first??.score, let last = answers.last??.score else {
                return nil
            }
            return last - first
        }
    }

    /// What answered: policies, values of a merge, or what became of the answer.
    package private(set) var columns: [String] = []
    package private(set) var rows: [Row] = []
    /// What ``Answer/length`` counts.
    package private(set) var lengthUnit = "words"
    package private(set) var damagedLines = 0

    /// What a stage has drawn; `nil` where it has drawn nothing.
    init?(of stage: StageRecord) {
        let samples = stage.directory.appending(path: "samples.jsonl")
        let pairs = stage.directory.appending(path: "pairs.jsonl")
        if FileManager.default.fileExists(atPath: samples.path) {
            readSamples(samples)
        } else if FileManager.default.fileExists(atPath: pairs.path) {
            readPairs(pairs)
        }
        guard !rows.isEmpty || damagedLines > 0 else { return nil }
    }

    /// All answers of a column.
    package func answers(_ column: Int) -> [Answer] { rows.compactMap { $0.answers[column] } }

    /// Lines go policy by policy, in the same order of prompts; see ``SampledResponse``.
    private mutating func readSamples(_ file: URL) {
        // How many lines of each column there were; a damaged one is taken to be of the column before it.
        var counts: [Int] = []
        var isCounted = true
        read(file) { table, object in
            guard let object, let text = object["completion"]?.text else {
                if !counts.isEmpty { counts[counts.count - 1] += 1 }
                return false
            }
            let name = (object["policy"] ?? object["alpha"]).map(Self.name) ?? "answer"
            let column = table.columns.firstIndex(of: name) ?? table.columns.count
            if column == table.columns.count {
                table.columns.append(name)
                counts.append(0)
            }
            isCounted = isCounted && object["length"]?.integer != nil
            let answer = Answer(
                text: text, score: object["score"]?.double, length: object["length"]?.integer ?? Self.words(text))
            table.set(answer, row: counts[column], column: column, prompt: Self.text(object["prompt"]))
            counts[column] += 1
            return true
        }
        for index in rows.indices {
            rows[index].answers += Array(repeating: nil, count: columns.count - rows[index].answers.count)
        }
        if isCounted { lengthUnit = "tokens" }
    }

    private mutating func set(_ answer: Answer, row: Int, column: Int, prompt: String) {
        while rows.count <= row { rows.append(Row(prompt: "", answers: [])) }
        if rows[row].prompt.isEmpty { rows[row].prompt = prompt }
        while rows[row].answers.count <= column { rows[row].answers.append(nil) }
        rows[row].answers[column] = answer
    }

    /// Pairs of the best and the worst answer that a policy gave.
    private mutating func readPairs(_ file: URL) {
        columns = ["rejected", "chosen"]
        read(file) { table, object in
            guard let object, let chosen = object["chosen"], let rejected = object["rejected"] else { return false }
            let answers = [(rejected, "rejected_reward"), (chosen, "chosen_reward")].map { value, key -> Answer? in
                let text = Self.text(value)
                return Answer(text: text, score: object[key]?.double, length: Self.words(text))
            }
            table.rows.append(Row(prompt: Self.text(object["prompt"]), answers: answers))
            return true
        }
    }

    /// Hands on every line, `nil` for one that cannot be read, and counts those of which `body` says that they are damaged.
    private mutating func read(_ file: URL, _ body: (inout AnswerTable, JSONObject?) -> Bool) {
        var table = self
        do {
            try LineStream.read(file) { line in
                var object: JSONObject?
                if case .object(let found)? = try? JSON(parsing: line.bytes) { object = found }
                if !body(&table, object) { table.damagedLines += 1 }
            }
        } catch {
            table.damagedLines += 1
        }
        self = table
    }

    private static func name(_ value: JSON) -> String { value.text ?? value.line }

    private static func words(_ text: String) -> Int { text.split(whereSeparator: \.isWhitespace).count }

    /// A text, or messages with who says each; the parts of a message that are no text are named.
    private static func text(_ value: JSON?) -> String {
        switch value {
        case .string(let text)?: text
        case .array(let messages)? where messages.count == 1: content(messages[0])
        case .array(let messages)?:
            messages.map { message in
                guard case .object(let object) = message else { return message.line }
                return "\(object["role"]?.text ?? "?"): \(content(message))"
            }.joined(separator: "\n\n")
        case nil: ""
        case let other?: other.line
        }
    }

    private static func content(_ message: JSON) -> String {
        guard case .object(let object) = message, let content = object["content"] else { return message.line }
        guard case .array(let parts) = content else { return content.text ?? content.line }
        return parts.map { part in
            guard case .object(let object) = part else { return part.line }
            return object["text"]?.text ?? "[\(object["type"]?.text ?? "part")]"
        }.joined()
    }
}

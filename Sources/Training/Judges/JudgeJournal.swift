import Foundation
import JSON
import Runs

/// What a judge has answered, in a file of the stage's directory, so that nothing is asked twice: not by a run that goes on, nor
/// by a later stage.
///
/// A line holds an answer under the ``QuestionKey`` of its question, and what it took to get it; it counts only if it is whole. Each
/// worker writes a file of its own, and all that were there when the stage began are read.
package final class JudgeJournal {
    private var answers: [String: JSON] = [:]
    /// Requests of earlier starts of the stage, all workers together.
    package let spent: Int
    private let url: URL
    private var file: AppendOnlyFile?

    /// - Parameters:
    ///   - directory: The stage's.
    ///   - others: Those of the run's other stages.
    ///   - name: What tells the judge from others that the stage asks.
    ///   - worker: Whose answers are written.
    package init(_ directory: URL, others: [URL] = [], name: String, worker: Int) {
        url = directory.appending(path: "\(Self.prefix)\(name)-\(worker).jsonl")
        var spent = 0
        for other in others + [directory] {
            for file in Self.files(in: other, of: name) {
                for line in Self.lines(of: file).objects {
                    guard let key = line["key"]?.text, let answer = line["answer"] else { continue }
                    answers[key] = answer
                    if other == directory { spent += line["requests"]?.integer ?? 1 }
                }
            }
        }
        self.spent = spent
    }

    /// What was answered; `nil` for a question that was not asked.
    package func answer(to key: QuestionKey) -> JSON? { answers[key.text] }

    /// Keeps answers; the disk has them when this returns.
    package func append(_ new: [(key: QuestionKey, answer: JSON, requests: Int)]) throws {
        guard !new.isEmpty else { return }
        var text = ""
        for (key, answer, requests) in new {
            answers[key.text] = answer
            let line = JSONObject(uniqueKeysWithValues: [
                ("key", .string(key.text)), ("answer", answer), ("requests", .number(requests)),
            ])
            text += JSON.object(line).line + "\n"
        }
        let file = try opened()
        try file.append(Array(text.utf8))
        try file.synchronize()
    }

    private func opened() throws -> AppendOnlyFile {
        if let file { return file }
        let opened = try AppendOnlyFile(path: url.path, keeping: UInt64(Self.lines(of: url).length))
        file = opened
        return opened
    }

    private static let prefix = "judge-"

    private static func files(in directory: URL, of name: String) -> [URL] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: directory.path)) ?? []
        return names.filter { $0.hasPrefix("\(prefix)\(name)-") && $0.hasSuffix(".jsonl") }.sorted().map {
            directory.appending(path: $0)
        }
    }

    /// The whole lines from the first on, and how many bytes they are.
    private static func lines(of file: URL) -> (objects: [JSONObject], length: Int) {
        let data = (try? Data(contentsOf: file)) ?? Data()
        var objects: [JSONObject] = []
        var position = data.startIndex
        while let end = data[position...].firstIndex(of: UInt8(ascii: "\n")),
            let text = String(validating: data[position..<end], as: UTF8.self),
            case .object(let object)? = try? JSON(parsing: text)
        {
            objects.append(object)
            position = end + 1
        }
        return (objects, position)
    }
}

/// What tells a question from all others: the mode, the model and the text, in which the answers stand in their order.
package struct QuestionKey: Hashable, Sendable {
    /// 128 bits in hexadecimal digits.
    package let text: String

    package init(_ mode: JudgeMode, model: String, question: String) {
        let parts = JSON.array([.string(mode.rawValue), .string(model), .string(question)]).line
        // Two hashes of 64 bits with different beginnings.
        text = ["1", "2"].map { salt in
            let digits = String(FNV1a.hash((salt + parts).utf8), radix: 16)
            return String(repeating: "0", count: 16 - digits.count) + digits
        }.joined()
    }
}

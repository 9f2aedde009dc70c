import Foundation
import MPI
import Runs
import Training

extension SyntheticTask {
    /// Judges answers by their gold score until `input` ends: a program for a `command:` reward.
    ///
    /// Each line of `input` is `{"prompt": ..., "completion": ...}`; each is answered at once with `{"score": ...}` on
    /// a line of `output`.
    ///
    /// - Throws: `SyntheticTaskError.malformedRequest` with the line's number, from 1;
    ///   `StandardOutputError`.
    package static func serveJudge(input: FileHandle, output: FileHandle) throws {
        var pending = Data()
        var line = 0
        while let chunk = try input.read(upToLineEnd: &pending) {
            line += 1
            let answer = try judge(chunk, line: line)
            do { try output.write(contentsOf: answer) } catch {
                throw StandardOutputError(reason: SystemError.reason(error))
            }
        }
    }

    private struct Request: Decodable {
        let prompt: String
        let completion: String
    }

    private struct Verdict: Encodable {
        let score: Double
    }

    private static func judge(_ text: Data, line: Int) throws -> Data {
        let request: Request
        do {
            request = try JSONDecoder().decode(Request.self, from: text)
        } catch DecodingError.keyNotFound(let key, _) {
            throw SyntheticTaskError.malformedRequest(line: line, reason: "no \"\(key.stringValue)\"")
        } catch DecodingError.typeMismatch(_, let context), DecodingError.valueNotFound(_, let context) {
            let key = context.codingPath.last.map { "\"\($0.stringValue)\"" } ?? "the line"
            throw SyntheticTaskError.malformedRequest(line: line, reason: "\(key) has the wrong type")
        } catch {
            throw SyntheticTaskError.malformedRequest(line: line, reason: "not JSON")
        }
        do {
            let order = try GuestOrder(prompt: request.prompt)
            let score = GoldScore(order: order, completion: request.completion).total
            return try JSONEncoder().encode(Verdict(score: score)) + Data("\n".utf8)
        } catch let error as SyntheticTaskError {
            throw SyntheticTaskError.malformedRequest(line: line, reason: error.description)
        }
    }
}

extension FileHandle {
    /// The next line without its newline, read as it arrives; `nil` at the end. `pending` keeps what came after it.
    fileprivate func read(upToLineEnd pending: inout Data) throws -> Data? {
        while true {
            if let end = pending.firstIndex(of: UInt8(ascii: "\n")) {
                let line = Data(pending[..<end])
                pending = Data(pending[pending.index(after: end)...])
                return line
            }
            let more = availableData
            if more.isEmpty {
                defer { pending = Data() }
                return pending.isEmpty ? nil : pending
            }
            pending += more
        }
    }
}

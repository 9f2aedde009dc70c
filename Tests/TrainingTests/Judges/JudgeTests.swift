import Foundation
import JSON
import PreferenceData
import Runs
import TestSupport
import Testing
import Training

@Suite("Asking a judge")
struct JudgeTests {
    private func judge(
        _ model: String, of server: JudgeServer, keeping directory: URL, worker: Int = 0,
        attend: @escaping () throws -> Void = {}
    ) throws -> Judge<Double> {
        let endpoint = try ChatEndpoint("\(server.url)#\(model)")
        let chat = ChatServer(
            endpoint, key: JudgeKey([:]), JudgeOptions(), budget: RequestBudget(requests: nil, perMinute: nil))
        let journal = JudgeJournal(directory, name: "j", worker: worker)
        return Judge(chat, .score, JudgePrompt(.score), journal, attend: attend)
    }

    private func subjects(_ count: Int) -> [(prompt: Content, responses: [String])] {
        (0..<count).map { (.text("Count"), [String(repeating: "a", count: $0 % 7)]) }
    }

    @Test("Equal questions are asked once, and none again that a journal has, whoever wrote it")
    func once() throws {
        try JudgeServer.with { server in
            try TestSupport.withTemporaryDirectory { directory in
                let expected = (0..<20).map { Double($0 % 7 + 1) }
                #expect(try judge("right", of: server, keeping: directory).answers(about: subjects(20)) == expected)
                #expect(try server.stats().requests == 7)
                let other = try judge("right", of: server, keeping: directory, worker: 1)
                #expect(try other.answers(about: subjects(20)) == expected)
                #expect(try server.stats().requests == 7)
                #expect(JudgeJournal(directory, name: "j", worker: 2).spent == 7)
                // Of another stage the answers count, and not what they took.
                let elsewhere = JudgeJournal(
                    directory.appending(path: "next"), others: [directory], name: "j", worker: 0)
                #expect(elsewhere.spent == 0)
            }
        }
    }

    @Test("A torn line is asked again, and the file goes on behind the whole ones")
    func torn() throws {
        try JudgeServer.with { server in
            try TestSupport.withTemporaryDirectory { directory in
                _ = try judge("right", of: server, keeping: directory).answers(about: subjects(3))
                let file = directory.appending(path: "judge-j-0.jsonl")
                let data = try Data(contentsOf: file)
                try data.dropLast(5).write(to: file)
                #expect(try judge("right", of: server, keeping: directory).answers(about: subjects(3)) == [1, 2, 3])
                #expect(try server.stats().requests == 4)
                let lines = String(decoding: try Data(contentsOf: file), as: UTF8.self).split(separator: "\n")
                #expect(lines.count == 3 && lines.allSatisfy { (try? JSON(parsing: String($0))) != nil })
            }
        }
    }

    @Test("A run that stops meanwhile has what was answered")
    func left() throws {
        try JudgeServer.with { server in
            try TestSupport.withTemporaryDirectory { directory in
                var looks = 0
                let judge = try judge("steady", of: server, keeping: directory) {
                    looks += 1
                    if looks == 3 { throw StageStopped(reason: .timeLimit) }
                }
                let many = (0..<200).map { (prompt: Content.text("Count \($0)"), responses: ["a"]) }
                #expect(throws: StageStopped.self) { try judge.answers(about: many) }
                let kept = JudgeJournal(directory, name: "j", worker: 0).spent
                #expect(kept > 0 && kept < 200)
                // Those on their way are left.
                #expect(try server.stats().questions - kept <= JudgeOptions().concurrency)
            }
        }
    }

    @Test("The first question that cannot be answered ends the others")
    func ends() throws {
        try JudgeServer.with { server in
            try TestSupport.withTemporaryDirectory { directory in
                let judge = try judge("gpt-9", of: server, keeping: directory)
                #expect(throws: JudgeError.self) { try judge.answers(about: subjects(200)) }
                #expect(try server.stats().requests <= 8)
            }
        }
    }
}

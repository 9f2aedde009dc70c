import Foundation
import Runs
import Stages
import Synchronization
import TestSupport
import Testing
import Training

@Suite("One owner a run directory", .serialized)
struct RunLockTests {
    private static let never: @Sendable (RunLockError) -> Void = { Issue.record("the lock was lost: \($0)") }

    private func take(
        _ directory: URL, breaking: Bool = false, heartbeat: Double = 60, expiry: Double = 120,
        lost: @escaping @Sendable (RunLockError) -> Void = never
    ) throws -> RunLock {
        try RunLock(directory, breaking: breaking, timing: .init(heartbeat: heartbeat, expiry: expiry), lost: lost)
    }

    private func file(_ directory: URL) -> URL { directory.appending(path: "run.lock") }

    /// Leaves a lock whose owner is this process but for what `change` does.
    private func leave(_ directory: URL, _ change: (inout [String: Any]) throws -> Void) throws {
        let lock = try take(directory)
        var owner = try #require(
            try JSONSerialization.jsonObject(with: Data(contentsOf: file(directory))) as? [String: Any])
        lock.release()
        owner["token"] = "another"
        try change(&owner)
        try JSONSerialization.data(withJSONObject: owner).write(to: file(directory))
    }

    @Test("A second job is refused with the owner's process and host, and gets it once the first has given it up")
    func refused() throws {
        try TestSupport.withTemporaryDirectory { directory in
            let first = try take(directory)
            let error = #expect(throws: RunLockError.self) { _ = try take(directory) }
            let text = "\(try #require(error))"
            #expect(text.hasPrefix("\(directory.path): in use by process \(getpid()) on "))
            #expect(text.contains("--break-lock"))
            #expect(error?.exitStatus == 2)
            first.release()
            #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path).isEmpty)
            let second = try take(directory)
            #expect(second.note == nil)
            second.release()
        }
    }

    @Test("A lock of a process that has ended is taken over with a note", arguments: ["ended", "its id used again"])
    func ended(how: String) throws {
        try TestSupport.withTemporaryDirectory { directory in
            try leave(directory) { owner in
                if how == "ended" {
                    let process = Process()
                    process.executableURL = URL(filePath: "/bin/true")
                    try process.run()
                    process.waitUntilExit()
                    owner["process"] = process.processIdentifier
                } else {
                    owner["processStart"] = 1
                }
            }
            let lock = try take(directory)
            #expect(lock.note?.contains("stale, taken over") ?? false)
            lock.release()
        }
    }

    @Test(
        "A lock of another host, or of other process ids, is stale only when it was not touched for long",
        arguments: ["host", "machine"])
    func elsewhere(key: String) throws {
        try TestSupport.withTemporaryDirectory { directory in
            try leave(directory) { $0[key] = "elsewhere" }
            #expect(throws: RunLockError.self) { _ = try take(directory) }
            let past = Date(timeIntervalSinceNow: -100)
            try FileManager.default.setAttributes([.modificationDate: past], ofItemAtPath: file(directory).path)
            #expect(throws: RunLockError.self) { _ = try take(directory) }
            let lock = try take(directory, expiry: 90)
            #expect(lock.note != nil)
            lock.release()
        }
    }

    @Test("A lock that cannot be read belongs to somebody until it was not touched for long")
    func damaged() throws {
        try TestSupport.withTemporaryDirectory { directory in
            try Data("{".utf8).write(to: file(directory))
            #expect(throws: RunLockError.self) { _ = try take(directory) }
            try FileManager.default.setAttributes(
                [.modificationDate: Date(timeIntervalSinceNow: -200)], ofItemAtPath: file(directory).path)
            try take(directory).release()
        }
    }

    @Test("Of many who try at once, with a stale lock or without one, exactly one wins", arguments: [false, true])
    func race(stale: Bool) throws {
        for _ in 0..<20 {
            try TestSupport.withTemporaryDirectory { directory in
                if stale { try leave(directory) { $0["processStart"] = 1 } }
                let winners = Mutex<[RunLock]>([])
                DispatchQueue.concurrentPerform(iterations: 8) { _ in
                    if let lock = try? take(directory) { winners.withLock { $0.append(lock) } }
                }
                winners.withLock { winners in
                    #expect(winners.count == 1)
                    winners.forEach { $0.release() }
                }
                #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path).isEmpty)
            }
        }
    }

    @Test("An owner touches its lock while it lives")
    func touches() throws {
        try TestSupport.withTemporaryDirectory { directory in
            let lock = try take(directory, heartbeat: 0.05)
            let path = file(directory).path
            let past = Date(timeIntervalSinceNow: -1000)
            try FileManager.default.setAttributes([.modificationDate: past], ofItemAtPath: path)
            #expect(
                TestSupport.waits {
                    let attributes = try? FileManager.default.attributesOfItem(atPath: path)
                    return (attributes?[.modificationDate] as? Date).map { $0.timeIntervalSince(past) > 900 } ?? false
                })
            lock.release()
        }
    }

    @Test("An owner whose lock is broken learns by whom, and does not take away the other's", arguments: [true, false])
    func broken(isTaken: Bool) throws {
        try TestSupport.withTemporaryDirectory { directory in
            let told = DispatchSemaphore(value: 0)
            let error = Mutex<RunLockError?>(nil)
            let old = try take(directory, heartbeat: 0.05) { loss in
                error.withLock { $0 = loss }
                told.signal()
            }
            let new = isTaken ? try take(directory, breaking: true, heartbeat: 0.1) : nil
            if isTaken {
                #expect(new?.note?.contains("broken as asked") ?? false)
            } else {
                try FileManager.default.removeItem(at: file(directory))
            }
            #expect(told.wait(timeout: .now() + 10) == .success)
            let loss = try #require(error.withLock { $0 })
            #expect("\(loss)".contains(isTaken ? "taken over by process \(getpid())" : "run.lock was removed"))
            #expect(loss.exitStatus == 1)
            old.release()
            #expect(FileManager.default.fileExists(atPath: file(directory).path) == isTaken)
            new?.release()
        }
    }
}

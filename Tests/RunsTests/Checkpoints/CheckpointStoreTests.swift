import Foundation
import Runs
import Stages
import TestSupport
import Testing
import Training

@Suite("Checkpoints of a stage")
struct CheckpointStoreTests {
    @Test("The newest whole one counts, older ones go by the limit, and a damaged one never displaces a whole one")
    func limit() throws {
        try TestSupport.withTemporaryDirectory { directory in
            let store = CheckpointStore(directory, limit: 1)
            func write(_ step: Int) throws {
                try store.write(step: step) {
                    try Data("weights of \(step)".utf8).write(to: $0.appending(path: "weights"))
                }
            }
            func names() throws -> [String] {
                try FileManager.default.contentsOfDirectory(atPath: directory.path).sorted()
            }
            #expect(store.newest() == nil)
            try write(2)
            try write(4)
            #expect(try names() == ["checkpoint-00000004"])
            #expect(store.newest() == 4)
            try Data("weights".utf8).write(to: store.url(ofStep: 4).appending(path: "weights"))
            #expect(store.newest() == nil)
            try write(2)
            #expect(store.newest() == 2)
            try write(4)
            #expect(store.newest() == 4)
            #expect(try names() == ["checkpoint-00000004"])
        }
    }

    @Test("One whose writing failed leaves the one before it, and nothing under its own name")
    func failed() throws {
        try TestSupport.withTemporaryDirectory { directory in
            let store = CheckpointStore(directory, limit: 2)
            try store.write(step: 1) { try Data().write(to: $0.appending(path: "weights")) }
            #expect(throws: NoSpace.self) {
                try store.write(step: 2) {
                    try Data().write(to: $0.appending(path: "weights"))
                    throw NoSpace()
                }
            }
            #expect(store.newest() == 1)
            #expect(!FileManager.default.fileExists(atPath: store.url(ofStep: 2).path))
        }
    }

    private struct NoSpace: Error {}
}

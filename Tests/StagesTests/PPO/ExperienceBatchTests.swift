import Commands
import Foundation
import Runs
import Stages
import TestSupport
import Testing
import Training

@Suite("Responses of a PPO step, as they travel and as a checkpoint keeps them")
struct ExperienceBatchTests {
    private let batch = ExperienceBatch(
        total: 5,
        experiences: (0..<5).map { place in
            Experience(
                place: place, version: 3, prompt: [1, 2], response: [Int32](repeating: 7, count: place + 1),
                sampledLogps: [Float](repeating: -0.5, count: place + 1),
                referenceLogps: [Float](repeating: -0.25, count: place + 1), score: 0.1, isFinished: place == 2)
        })

    @Test("Shares are the same whatever the order of the responses, and have each of them once")
    func shares() {
        let shares = batch.shares(over: 2)
        #expect(shares.allSatisfy { $0.total == 5 })
        #expect(shares.flatMap(\.experiences).map(\.place).sorted() == [0, 1, 2, 3, 4])
        let shuffled = ExperienceBatch(total: 5, experiences: batch.experiences.reversed())
        #expect(shuffled.shares(over: 2) == shares)
    }

    @Test("A checkpoint gives back what it was given; without responses ahead it has no file")
    func checkpoint() throws {
        try TestSupport.withTemporaryDirectory { directory in
            #expect(try ExperienceBatch.read(from: directory, vocabularySize: 8) == nil)
            try batch.write(to: directory)
            #expect(try ExperienceBatch.read(from: directory, vocabularySize: 8) == batch)
        }
    }

    @Test("A file that is cut, or holds tokens that the policy does not know, is refused by name")
    func damaged() throws {
        try TestSupport.withTemporaryDirectory { directory in
            func expectRefusal(_ bytes: [UInt8], vocabularySize: Int = 8) throws {
                try Data(bytes).write(to: directory.appending(path: "experience.bin"))
                let error = #expect(throws: RunError.self) {
                    try ExperienceBatch.read(from: directory, vocabularySize: vocabularySize)
                }
                #expect("\(try #require(error))".contains("experience.bin: damaged"))
            }
            for count in stride(from: 0, to: batch.bytes.count, by: 7) {
                try expectRefusal(Array(batch.bytes.prefix(count)))
            }
            try expectRefusal(batch.bytes, vocabularySize: 7)
            // A count that no memory would hold.
            try expectRefusal(Array(batch.bytes.prefix(8)) + [UInt8](repeating: 0x7f, count: 8))
        }
    }
}

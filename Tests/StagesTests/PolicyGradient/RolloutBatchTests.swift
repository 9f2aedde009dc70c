import Commands
import Foundation
import Runs
import Stages
import TestSupport
import Testing
import Training

@Suite("Responses of a PPO step, as they travel and as a checkpoint keeps them")
struct RolloutBatchTests {
    private let batch = RolloutBatch(
        total: 6,
        rollouts: (0..<6).map { number in
            Rollout(
                promptIndex: number / 2, sample: number % 2, stepIndex: number, version: 3, prompt: [1, 2],
                response: [Int32](repeating: 7, count: number + 1),
                sampledLogps: [Float](repeating: -0.5, count: number + 1), isFinished: number == 2, score: 0.1,
                referenceLogps: [Float](repeating: -0.25, count: number + 1))
        })

    @Test("Shares are the same whatever the order of the responses, and have each of them once")
    func shares() {
        let shares = batch.shares(over: 2)
        #expect(shares.allSatisfy { $0.total == 6 })
        #expect(shares.flatMap(\.rollouts).map(\.stepIndex).sorted() == [0, 1, 2, 3, 4, 5])
        let shuffled = RolloutBatch(total: 6, rollouts: batch.rollouts.reversed())
        #expect(shuffled.shares(over: 2) == shares)
    }

    @Test("The responses to one prompt stay together where they are compared", arguments: 1...4)
    func groups(learners: Int) {
        let shares = batch.shares(over: learners, .groups)
        #expect(shares.flatMap(\.rollouts).map(\.stepIndex).sorted() == [0, 1, 2, 3, 4, 5])
        for share in shares {
            for group in Dictionary(grouping: share.rollouts, by: \.promptIndex).values { #expect(group.count == 2) }
        }
    }

    @Test("A checkpoint gives back what it was given; one of a build that named the file otherwise is refused")
    func checkpoint() throws {
        try TestSupport.withTemporaryDirectory { directory in
            let error = #expect(throws: RunError.self) { try RolloutBatch.read(from: directory, vocabularySize: 8) }
            #expect("\(try #require(error))".contains("rollouts.bin: missing"))
            try batch.write(to: directory)
            #expect(try RolloutBatch.read(from: directory, vocabularySize: 8) == batch)
        }
    }

    @Test("A file that is cut, or holds tokens that the policy does not know, is refused by name")
    func damaged() throws {
        try TestSupport.withTemporaryDirectory { directory in
            func expectRefusal(_ bytes: [UInt8], vocabularySize: Int = 8) throws {
                try Data(bytes).write(to: directory.appending(path: "rollouts.bin"))
                let error = #expect(throws: RunError.self) {
                    try RolloutBatch.read(from: directory, vocabularySize: vocabularySize)
                }
                #expect("\(try #require(error))".contains("rollouts.bin: damaged"))
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

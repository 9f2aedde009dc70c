import Foundation
import FuzzedReaders
import TestSupport
import Testing

@Suite("Readers of files of others")
struct FuzzTests {
    /// Of one reader, or fifty inputs where they take longer; the long form is libFuzzer's (`launch/fuzz`).
    private static let seconds = TestSupport.runsLongTests ? 60.0 : 1.0

    @Test("Take their seeds, and what once made them fail", arguments: FuzzedReader.allCases)
    func regressions(reader: FuzzedReader) throws {
        let place = try FuzzingPlace()
        defer { place.remove() }
        for seed in reader.seeds { reader.read(seed, at: place) }
        let folder = TestSupport.repository.appending(path: "Tests/Fuzz/Regressions/\(reader.rawValue)")
        for name in (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? [] {
            reader.read(Array(try Data(contentsOf: folder.appending(path: name))), at: place)
        }
    }

    @Test("Survive damaged inputs: they refuse them in one line, and end", arguments: FuzzedReader.allCases)
    func mutations(reader: FuzzedReader) throws {
        let place = try FuzzingPlace()
        defer { place.remove() }
        let seeds = reader.seeds
        var mutator = Mutator(seed: 1)
        let end = ContinuousClock.now + .seconds(Self.seconds)
        var number = 0
        while number < 50 || ContinuousClock.now < end {
            reader.read(mutator.mutate(seeds[number % seeds.count]), at: place)
            number += 1
        }
    }
}

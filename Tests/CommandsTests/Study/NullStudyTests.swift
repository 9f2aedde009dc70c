import Commands
import Foundation
import PreferenceData
import Testing

@Suite("Studies of arms that are known")
struct NullStudyTests {
    /// Normal draws from a fixed stream (Box and Muller 1958).
    private struct Normal {
        var random: SplitMix64

        mutating func next() -> Double {
            let first = Double(random.next() >> 11) * 0x1p-53
            let second = Double(random.next() >> 11) * 0x1p-53
            return (-2 * log(1 - first)).squareRoot() * cos(2 * .pi * second)
        }
    }

    /// How many of 2,000 studies of so many seeds call the other arms different from the first, at 5 %.
    private func rejections(seeds: Int, effects: [Double]) -> Int {
        var normal = Normal(random: SplitMix64(20_261_126, UInt64(seeds)))
        let names = effects.indices.map { "arm\($0)" }
        let comparison = StudyComparison(evaluation: "evaluate", policies: names, arms: names, baseline: "arm0")
        return (0..<2000).count { _ in
            let outcomes = (1...seeds).map { seed in
                // What a seed does to all arms is no difference between them.
                let luck = 3 * normal.next()
                let arms = zip(names, effects).map { name, effect in
                    (name, SeedOutcome.Arm(score: luck + effect + normal.next()))
                }
                return SeedOutcome(seed: seed, arms: Dictionary(uniqueKeysWithValues: arms))
            }
            let results = StudyResults(outcomes, comparison)
            return results.arms.contains { ($0.difference?.adjustedP ?? 1) < 0.05 }
        }
    }

    @Test("Two equal arms are called different in 3 to 7 % of 2,000 studies", arguments: [2, 5, 10])
    func null(seeds: Int) {
        let rate = Double(rejections(seeds: seeds, effects: [0, 0])) / 2000
        #expect(0.03...0.07 ~= rate, "\(rate)")
    }

    @Test("Of three equal arms some pair is called different in no more, and a difference is found")
    func several() {
        #expect(Double(rejections(seeds: 5, effects: [0, 0, 0])) / 2000 < 0.07)
        #expect(Double(rejections(seeds: 5, effects: [0, 4])) / 2000 > 0.9)
    }
}

import Stages
import Testing

@Suite("Pairs that gold labels are asked for")
struct GoldChoiceTests {
    @Test("The least sure come first, and all are asked for where there are no more")
    func confidence() {
        let gaps = [1.5, 0.2, -0.1, 0.2, .nan]
        #expect(GoldChoice.confidence.asked(gaps: gaps, count: 4, seed: 1, step: 0) == [4, 2, 1, 3])
        #expect(GoldChoice.confidence.asked(gaps: gaps, count: 9, seed: 1, step: 0) == [4, 2, 1, 3, 0])
        #expect(GoldChoice.confidence.asked(gaps: [], count: 3, seed: 1, step: 0).isEmpty)
    }

    @Test("Random ones are different at every step and seed, each once, and every pair as often as another")
    func random() {
        let gaps = [Double](repeating: 0, count: 5)
        var counts = [0, 0, 0, 0, 0]
        for step in 0..<2000 {
            let asked = GoldChoice.random.asked(gaps: gaps, count: 2, seed: 7, step: step)
            #expect(asked == GoldChoice.random.asked(gaps: gaps, count: 2, seed: 7, step: step))
            #expect(Set(asked).count == 2)
            for place in asked { counts[place] += 1 }
        }
        // Five standard deviations about 800.
        #expect(counts.allSatisfy { abs($0 - 800) < 110 }, "\(counts)")
        let of = { (seed: UInt64) in
            (0..<20).map { GoldChoice.random.asked(gaps: gaps, count: 2, seed: seed, step: $0) }
        }
        #expect(of(1) != of(2))
        #expect(Set(GoldChoice.random.asked(gaps: gaps, count: 9, seed: 1, step: 0)) == Set(0..<5))
    }
}

import Runs
import Training

/// A SplitMix64 stream with the few draws the synthetic task needs.
///
/// The standard library may change how it turns random words into shuffles and picks; the task's files must not change
/// with it, so the draws are written out here.
package struct SyntheticGenerator: Sendable {
    private var state: UInt64

    /// The stream number `stream` of `seed`: streams of one seed, and of neighbouring seeds, are unrelated.
    package init(seed: UInt64, stream: UInt64) {
        var mixer = SyntheticGenerator(state: seed)
        state = mixer.next() &+ stream &* 0xD1B5_4A32_D192_ED03
        state = next()
    }

    private init(state: UInt64) {
        self.state = state
    }

    /// 64 random bits (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014).
    package mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var bits = state
        bits = (bits ^ (bits >> 30)) &* 0xBF58_476D_1CE4_E5B9
        bits = (bits ^ (bits >> 27)) &* 0x94D0_49BB_1331_11EB
        return bits ^ (bits >> 31)
    }

    /// Uniform in [0, 1).
    package mutating func unit() -> Double { Double(next() >> 11) * 0x1p-53 }

    /// True with this probability.
    package mutating func chance(_ probability: Double) -> Bool { unit() < probability }

    /// Uniform in 0..<`bound`; the bias is below `bound` / 2^64.
    package mutating func below(_ bound: Int) -> Int { Int(next().multipliedFullWidth(by: UInt64(bound)).high) }

    /// One element, all equally likely. `elements` must not be empty.
    package mutating func pick<Element>(_ elements: [Element]) -> Element { elements[below(elements.count)] }

    /// `count` elements from different places, every arrangement equally likely.
    package mutating func sample<Element>(_ count: Int, of elements: [Element]) -> [Element] {
        var pool = elements
        for index in 0..<count { pool.swapAt(index, index + below(pool.count - index)) }
        return Array(pool.prefix(count))
    }
}

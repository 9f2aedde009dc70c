/// The SplitMix64 generator (Steele, Lea, Flood 2014): 64 bits of state, the same numbers on every platform.
public struct SplitMix64: Sendable {
    private var state: UInt64

    /// A stream named by `keys`, such as a seed and an epoch; different keys give unrelated streams.
    public init(_ keys: UInt64...) {
        state = keys.reduce(0) { Self.mix($0 &+ 0x9E37_79B9_7F4A_7C15 ^ $1) }
    }

    /// The next 64 random bits.
    public mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        return Self.mix(state)
    }

    /// A number from 0 to below 1, of 53 random bits.
    package mutating func nextUniform() -> Double { Double(next() >> 11) * 0x1p-53 }

    /// A number in `0 ..< bound`, without bias: multiply-shift with rejection (Lemire 2019).
    ///
    /// Written out, because the standard library does not promise that its own draws stay the same.
    public mutating func next(below bound: Int) -> Int {
        precondition(bound > 0, "a bound of \(bound)")
        let bound = UInt64(bound)
        var product = next().multipliedFullWidth(by: bound)
        if product.low < bound {
            let threshold = (0 &- bound) % bound
            while product.low < threshold { product = next().multipliedFullWidth(by: bound) }
        }
        return Int(product.high)
    }

    private static func mix(_ value: UInt64) -> UInt64 {
        var z = value
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}

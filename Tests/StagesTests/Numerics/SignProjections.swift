/// Sums of a tensor's elements with random signs, as `Tests/Fixtures/README.md` defines them: what is known of tensors too
/// large to keep.
struct SignProjections: Decodable {
    var seed: UInt64
    var count: Int

    /// A tensor's norm and projections.
    struct Summary: Decodable {
        var norm: Double
        var projections: [Double]
    }

    /// How far a tensor is from one of which norm and projections are known, relative to that norm.
    func error(of values: [Float], _ expected: Summary) -> (ofNorm: Double, ofProjections: Double) {
        let norm = values.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
        let squares = zip(projections(of: values), expected.projections).map { ($0 - $1) * ($0 - $1) }
        let difference = (squares.reduce(0, +) / Double(squares.count)).squareRoot()
        return (abs(norm - expected.norm) / expected.norm, difference / expected.norm)
    }

    private func projections(of values: [Float]) -> [Double] {
        var sums = [Double](repeating: 0, count: count)
        var state = seed
        for value in values {
            state &+= 0x9E37_79B9_7F4A_7C15
            var bits = (state ^ (state >> 30)) &* 0xBF58_476D_1CE4_E5B9
            bits = (bits ^ (bits >> 27)) &* 0x94D0_49BB_1331_11EB
            bits ^= bits >> 31
            for k in sums.indices { sums[k] += (bits >> (63 - UInt64(k))) & 1 == 0 ? Double(value) : -Double(value) }
        }
        return sums
    }
}

import MPI

/// What a scenario found wrong.
struct Failure: ExitStatusProviding, CustomStringConvertible {
    let description: String
    let exitStatus: Int32

    init(_ description: String, status: Int32 = 1) {
        (self.description, exitStatus) = (description, status)
    }
}

/// Throws unless `holds`.
func expect(_ holds: Bool, _ cause: @autoclosure () -> String) throws {
    if !holds { throw Failure(cause()) }
}

/// 64-bit FNV-1a of a buffer's bytes.
func hash(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
    bytes.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
}

/// Element `index` of rank `rank` in a scenario's data: of both signs and over several orders of magnitude.
func value(_ rank: Int, _ index: Int) -> Float {
    var bits = UInt64(truncatingIfNeeded: rank &* 1_000_003 &+ index) &* 0x9e37_79b9_7f4a_7c15
    bits = (bits ^ (bits >> 29)) &* 0xbf58_476d_1ce4_e5b9
    let unit = Float(bits >> 40) * 0x1p-23 - 1
    return unit * (index % 3 == 0 ? 1000 : 1)
}

/// `count` bytes that depend on their place and on `seed`.
func pattern(_ count: Int, _ seed: Int) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8 &+ seed) }
}

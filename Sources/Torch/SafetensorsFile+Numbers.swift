extension SafetensorsFile {
    /// Whether all elements of a tensor are finite numbers; true of types that have no others.
    ///
    /// Reads bits, on this thread and without operators: it may be asked before LibTorch is told how many threads it has.
    public func isFinite(_ name: String) throws(SafetensorsError) -> Bool {
        let entry = try entry(name)
        let bytes = bytes(of: entry)
        // Infinities and NaN are the numbers whose exponent is all ones.
        switch entry.type {
        case .float64: return !Self.has(0x7FF0_0000_0000_0000 as UInt64, in: bytes)
        case .float32: return !Self.has(0x7F80_0000 as UInt32, in: bytes)
        case .float16: return !Self.has(0x7C00 as UInt16, in: bytes)
        case .bfloat16: return !Self.has(0x7F80 as UInt16, in: bytes)
        default: return true
        }
    }

    /// Whether an element has all bits of `exponent`.
    private static func has<Bits: FixedWidthInteger>(_ exponent: Bits, in bytes: UnsafeRawBufferPointer) -> Bool {
        let size = MemoryLayout<Bits>.size
        // Added to an exponent of ones alone, its lowest bit carries into the sign. No branch, so that the loop runs on vectors.
        let lowest = exponent & (~exponent &+ 1)
        var carries: Bits = 0
        for offset in stride(from: 0, to: bytes.count - size + 1, by: size) {
            let element = bytes.loadUnaligned(fromByteOffset: offset, as: Bits.self)
            carries |= (element & exponent) &+ lowest
        }
        return carries > exponent
    }
}

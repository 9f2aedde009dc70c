/// A byte for every Unicode scalar, in blocks of 256 with equal blocks shared (some 30 KB).
///
/// Made once and never freed, so that reading it costs neither reference counting nor bounds checks; never written again.
package struct ScalarTable: @unchecked Sendable {
    private let blocks: UnsafePointer<UInt16>
    private let values: UnsafePointer<UInt8>

    /// - Parameter value: The byte of a scalar; not asked of planes without characters, which have 0.
    init(_ value: (Unicode.Scalar) -> UInt8) {
        var index: [[UInt8]: UInt16] = [:]
        var blocks: [UInt16] = []
        var values: [UInt8] = []
        for start in stride(from: UInt32(0), to: 0x110000, by: 256) {
            // Planes 4 to 13 are empty; 15 and 16 are for private use.
            let isEmpty = (0x40000..<0xE0000).contains(start) || start >= 0xF0000
            let block =
                isEmpty
                ? [UInt8](repeating: 0, count: 256)
                : (start..<start + 256).map { Unicode.Scalar($0).map(value) ?? 0 }
            if let known = index[block] {
                blocks.append(known)
            } else {
                let number = UInt16(values.count / 256)
                index[block] = number
                blocks.append(number)
                values += block
            }
        }
        self.blocks = Self.immortal(blocks)
        self.values = Self.immortal(values)
    }

    /// The byte of a scalar, which is below U+110000.
    @inline(__always)
    package subscript(scalar: UInt32) -> UInt8 {
        values[Int(blocks[Int(scalar >> 8)]) << 8 | Int(scalar & 0xFF)]
    }

    private static func immortal<Element>(_ elements: [Element]) -> UnsafePointer<Element> {
        let copy = UnsafeMutablePointer<Element>.allocate(capacity: elements.count)
        copy.initialize(from: elements, count: elements.count)
        return UnsafePointer(copy)
    }
}

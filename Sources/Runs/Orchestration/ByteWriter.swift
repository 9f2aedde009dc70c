/// Numbers and arrays as bytes, for messages between processes of one job (which share their byte order).
package struct ByteWriter {
    package private(set) var bytes: [UInt8] = []

    package init() {}

    package mutating func write<Number: BitwiseCopyable>(_ number: Number) {
        withUnsafeBytes(of: number) { bytes.append(contentsOf: $0) }
    }

    /// The array's length, then its elements.
    package mutating func write<Number: BitwiseCopyable>(_ array: [Number]) {
        write(UInt64(array.count))
        array.withUnsafeBytes { bytes.append(contentsOf: $0) }
    }
}

/// Reads back what a ``ByteWriter`` wrote.
package struct ByteReader {
    private let bytes: [UInt8]
    private var position = 0

    package init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// The message is not what its reader takes it for.
    package var error: MessageError { MessageError(bytes: bytes.count) }

    /// What has not been read yet.
    package var rest: ArraySlice<UInt8> { bytes[position...] }

    package mutating func take(_ count: Int) throws(MessageError) -> ArraySlice<UInt8> {
        guard count >= 0, count <= bytes.count - position else { throw error }
        defer { position += count }
        return bytes[position..<position + count]
    }

    package mutating func read<Number: BitwiseCopyable>(_: Number.Type) throws(MessageError) -> Number {
        let slice = try take(MemoryLayout<Number>.size)
        return slice.withUnsafeBytes { $0.loadUnaligned(as: Number.self) }
    }

    package mutating func readArray<Number: BitwiseCopyable>(of _: Number.Type) throws(MessageError) -> [Number] {
        let count = Int(truncatingIfNeeded: try read(UInt64.self))
        let (size, overflow) = count.multipliedReportingOverflow(by: MemoryLayout<Number>.stride)
        guard !overflow else { throw error }
        let slice = try take(size)
        return [Number](unsafeUninitializedCapacity: count) { buffer, initialized in
            slice.withUnsafeBytes { UnsafeMutableRawBufferPointer(buffer).copyMemory(from: $0) }
            initialized = count
        }
    }
}

/// A message that does not hold what it announces: the ranks run different programs.
package struct MessageError: Error, CustomStringConvertible {
    package let bytes: Int

    package var description: String {
        "a message of \(bytes) bytes is not whole; do all ranks run the same build of mpo?"
    }
}

import CTorch
import Foundation

/// A safetensors file, mapped into memory and checked before anything is read from it.
///
/// The layout is eight bytes with the length of a JSON header, the header, then the elements of all tensors without
/// gaps (<https://github.com/huggingface/safetensors>). Opening a file reads its header alone.
public final class SafetensorsFile {
    /// What the header says of one tensor.
    public struct Entry: Sendable, Equatable {
        /// The tensor's name.
        public let name: String
        /// The extent of each dimension.
        public let shape: [Int]
        /// The element type as written, such as `BF16`.
        public let format: String
        /// The element type; `nil` for one that cannot be read here, such as `F8_E4M3`.
        public var type: ScalarType? { Self.types[format] }
        /// Where its bytes lie, from the end of the header.
        let bytes: Range<Int>

        static let types: [String: ScalarType] = [
            "F64": .float64, "F32": .float32, "F16": .float16, "BF16": .bfloat16, "I64": .int64, "I32": .int32,
            "U8": .uint8, "BOOL": .bool,
        ]
    }

    /// The file.
    public let url: URL
    /// The tensors by name.
    public let entries: [String: Entry]
    /// The header's `__metadata__`.
    public let metadata: [String: String]
    private let map: MappedFile
    private let dataStart: Int

    /// Opens a file and checks that its header describes it fully: bounds, types, shapes, no overlap and no gap.
    public init(_ url: URL) throws(SafetensorsError) {
        let map = try MappedFile(url)
        let header = try SafetensorsHeader(map.bytes, url)
        self.url = url
        self.map = map
        entries = Dictionary(uniqueKeysWithValues: header.entries.map { ($0.name, $0) })
        metadata = header.metadata
        dataStart = header.end
    }

    /// Copies a tensor's elements into `destination`, converted to its type.
    ///
    /// - Throws: where there is no such tensor, its shape is not that of `destination`, or its type cannot be read.
    public func read(_ name: String, into destination: Tensor) throws(SafetensorsError) {
        let entry = try entry(name)
        guard entry.shape == destination.shape else {
            throw SafetensorsError(
                url, "tensor \(name) has shape \(entry.shape), but the model needs \(destination.shape)")
        }
        guard entry.count > 0 else { return }
        if entry.type == .float32, destination.isInHostFloats {
            let source = bytes(of: entry)
            destination.withStagedFloats(for: .overwriting) {
                UnsafeMutableRawBufferPointer($0).copyMemory(from: source)
            }
        } else {
            destination.copy(from: try tensor(name))
        }
    }

    /// Copies a part of a flat float32 tensor into `destination`; the rest of it is not read from the disk.
    ///
    /// - Parameters:
    ///   - range: The elements.
    ///   - count: How many the whole tensor must have.
    /// - Throws: where there is no such tensor, or it has another shape or type.
    public func read(
        _ name: String, _ range: Range<Int>, of count: Int, into destination: Tensor
    ) throws(SafetensorsError) {
        let entry = try entry(name)
        guard entry.shape == [count], entry.type == .float32 else {
            throw SafetensorsError(
                url, "tensor \(name) has shape \(entry.shape) of \(entry.format), but the model needs [\(count)] of F32"
            )
        }
        precondition(
            range.count == destination.count && range.upperBound <= count, "\(range) into \(destination.shape)")
        guard !range.isEmpty else { return }
        let size = MemoryLayout<Float>.size
        let source = bytes(of: entry)[range.lowerBound * size..<range.upperBound * size]
        destination.withStagedFloats(for: .overwriting) {
            UnsafeMutableRawBufferPointer($0).copyMemory(from: UnsafeRawBufferPointer(rebasing: source))
        }
    }

    /// A tensor of the file, in its own type.
    public func tensor(_ name: String) throws(SafetensorsError) -> Tensor {
        let entry = try entry(name)
        guard let type = entry.type else {
            throw SafetensorsError(url, "tensor \(name) has elements of type \(entry.format), which cannot be read")
        }
        let source = bytes(of: entry)
        return Torch.tensor("from file") { out in
            entry.shape.withInt64 {
                ct_from_data(source.baseAddress, Placement(type).code, $0.baseAddress, $0.count, out)
            }
        }
    }

    /// Whether two tensors of one shape hold the same numbers, whatever their types.
    ///
    /// - Throws: where one of them is not there or its type cannot be read.
    public func holds(
        _ name: String, sameAs other: String, of file: SafetensorsFile
    ) throws(SafetensorsError) -> Bool {
        let (entry, otherEntry) = (try entry(name), try file.entry(other))
        if entry.format == otherEntry.format {
            let (left, right) = (bytes(of: entry), file.bytes(of: otherEntry))
            guard left.count == right.count, let start = left.baseAddress, let other = right.baseAddress else {
                return left.count == right.count
            }
            return memcmp(start, other, left.count) == 0
        }
        let (left, right) = (Tensor.zeros(entry.shape), Tensor.zeros(otherEntry.shape))
        try read(name, into: left)
        try file.read(other, into: right)
        return left.floats() == right.floats()
    }

    func entry(_ name: String) throws(SafetensorsError) -> Entry {
        guard let entry = entries[name] else { throw SafetensorsError(url, "there is no tensor \(name)") }
        return entry
    }

    func bytes(of entry: Entry) -> UnsafeRawBufferPointer {
        let range = dataStart + entry.bytes.lowerBound..<dataStart + entry.bytes.upperBound
        return UnsafeRawBufferPointer(rebasing: map.bytes[range])
    }
}

extension SafetensorsFile.Entry {
    /// How many elements.
    public var count: Int { shape.reduce(1, *) }
}

/// What is wrong with a safetensors file, in one line that names it.
public struct SafetensorsError: Error, CustomStringConvertible, Sendable {
    /// The file.
    public let url: URL
    /// What is wrong with it.
    public let reason: String

    /// Something wrong with `url`.
    public init(_ url: URL, _ reason: String) {
        self.url = url
        self.reason = reason
    }

    /// `file: reason`, in one line.
    public var description: String {
        "\(url.path): \(reason)".split(whereSeparator: \.isNewline).joined(separator: " ")
    }
}

/// A whole file as read-only memory.
private final class MappedFile {
    let bytes: UnsafeRawBufferPointer

    init(_ url: URL) throws(SafetensorsError) {
        let descriptor = open(url.path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw SafetensorsError(url, String(cString: strerror(errno))) }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw SafetensorsError(url, "this is not a file")
        }
        let count = Int(status.st_size)
        guard count >= SafetensorsHeader.prefix else {
            throw SafetensorsError(url, "\(count) bytes are too few for a safetensors file; it is truncated")
        }
        guard let start = mmap(nil, count, PROT_READ, MAP_PRIVATE, descriptor, 0), start != MAP_FAILED else {
            throw SafetensorsError(url, "cannot map it into memory: \(String(cString: strerror(errno)))")
        }
        bytes = UnsafeRawBufferPointer(start: start, count: count)
    }

    deinit {
        munmap(UnsafeMutableRawPointer(mutating: bytes.baseAddress), bytes.count)
    }
}

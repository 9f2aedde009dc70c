import Foundation
import JSON

/// Writes a safetensors file, tensor by tensor from where they lie: no second copy of a model is made.
///
/// What the file will hold is said first, and each tensor handed over in its turn; so they need not be there together.
public final class SafetensorsWriter {
    /// What is said of a tensor before it is there.
    package struct Entry: Sendable {
        package let name: String
        package let shape: [Int]
        package let type: ScalarType

        package init(name: String, shape: [Int], type: ScalarType) {
            (self.name, self.shape, self.type) = (name, shape, type)
        }
    }

    private let output: OutputFile
    private let entries: [Entry]
    private var written = 0
    /// Elements of the next tensor that are written.
    private var partialCount = 0

    /// Begins a new file at `url`, over one that is there, of these tensors in this order.
    ///
    /// The file is written in place and not flushed to the device; atomic replacement is the caller's business.
    ///
    /// - Throws: where the file cannot be written; what is there then is incomplete.
    package init(
        _ entries: [Entry], metadata: [String: String] = ["format": "pt"], to url: URL
    ) throws(SafetensorsError) {
        self.entries = entries
        output = try OutputFile(url)
        let header = Self.header(entries, metadata: metadata)
        try output.write(withUnsafeBytes(of: UInt64(header.count).littleEndian) { Array($0) })
        try output.write(header)
    }

    /// Writes the next tensor, which is contiguous, and as it was said to be.
    package func append(_ tensor: Tensor) throws(SafetensorsError) {
        let entry = entries[written]
        guard tensor.isContiguous else { preconditionFailure("tensor \(entry.name) is not contiguous") }
        precondition(
            tensor.shape == entry.shape && tensor.type == entry.type, "tensor \(entry.name) is \(tensor.shape)")
        try tensor.withStagedBytes { (bytes) throws(SafetensorsError) in try output.write(bytes) }
        written += 1
    }

    /// Writes the next elements of a tensor that comes in parts, one after another and each contiguous.
    package func append(part: Tensor) throws(SafetensorsError) {
        let entry = entries[written]
        let count = entry.shape.reduce(1, *)
        guard part.isContiguous else { preconditionFailure("a part of tensor \(entry.name) is not contiguous") }
        precondition(
            part.type == entry.type && partialCount + part.count <= count, "a part of tensor \(entry.name) is no part")
        try part.withStagedBytes { (bytes) throws(SafetensorsError) in try output.write(bytes) }
        partialCount += part.count
        guard partialCount == count else { return }
        (written, partialCount) = (written + 1, 0)
    }

    /// Closes the file, once every tensor is written.
    ///
    /// - Returns: how many bytes the file has.
    @discardableResult
    package func finish() throws(SafetensorsError) -> Int {
        precondition(written == entries.count, "\(entries.count - written) tensors are not written")
        try output.finish()
        return output.count
    }

    /// Writes `tensors` (contiguous) in this order to a new file at `url`, over one that is there, as ``init(_:metadata:to:)``
    /// says.
    ///
    /// - Returns: how many bytes the file has.
    @discardableResult
    public static func write(
        _ tensors: [(name: String, tensor: Tensor)], metadata: [String: String] = ["format": "pt"], to url: URL
    ) throws(SafetensorsError) -> Int {
        let entries = tensors.map { Entry(name: $0.name, shape: $0.tensor.shape, type: $0.tensor.type) }
        let writer = try SafetensorsWriter(entries, metadata: metadata, to: url)
        for (_, tensor) in tensors { try writer.append(tensor) }
        return try writer.finish()
    }

    /// The JSON header: sorted keys, padded with spaces so that the data starts at a multiple of eight bytes.
    private static func header(_ entries: [Entry], metadata: [String: String]) -> [UInt8] {
        var objects: [String: JSON] = ["__metadata__": object(metadata.mapValues { .string($0) })]
        var end = 0
        for entry in entries {
            precondition(objects[entry.name] == nil, "two tensors are named \(entry.name)")
            let start = end
            end += entry.shape.reduce(1, *) * entry.type.size
            objects[entry.name] = object([
                "dtype": .string(entry.type.format), "shape": .array(entry.shape.map { .number($0) }),
                "data_offsets": .array([.number(start), .number(end)]),
            ])
        }
        let text = object(objects).compact.utf8
        let padding = (8 - text.count % 8) % 8
        return Array(text) + repeatElement(UInt8(ascii: " "), count: padding)
    }

    /// With its keys as Foundation sorts those of JSON: numbers in names by value, so that layer 2 stands before layer 10.
    private static func object(_ entries: [String: JSON]) -> JSON {
        let options: String.CompareOptions = [.numeric, .caseInsensitive, .forcedOrdering]
        let locale = Locale(identifier: "")
        let sorted = entries.sorted { left, right in
            left.key.compare(right.key, options: options, locale: locale) == .orderedAscending
        }
        return .object(JSONObject(uniqueKeysWithValues: sorted.map { ($0.key, $0.value) }))
    }
}

/// A file that is written from start to end.
private final class OutputFile {
    private let url: URL
    private var descriptor: Int32
    private(set) var count = 0

    init(_ url: URL) throws(SafetensorsError) {
        self.url = url
        descriptor = open(url.path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw SafetensorsError(url, Self.cause) }
    }

    func write(_ bytes: [UInt8]) throws(SafetensorsError) {
        try bytes.withUnsafeBufferPointer { (buffer) throws(SafetensorsError) in
            try write(UnsafeRawBufferPointer(buffer))
        }
    }

    func write(_ bytes: UnsafeRawBufferPointer) throws(SafetensorsError) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let written = Foundation.write(descriptor, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
            if written < 0, errno == EINTR { continue }
            guard written > 0 else { throw SafetensorsError(url, Self.cause) }
            rest = rest.dropFirst(written)
        }
        count += bytes.count
    }

    /// Closes the file; some file systems report a full disk only here.
    func finish() throws(SafetensorsError) {
        defer { descriptor = -1 }
        guard close(descriptor) == 0 else { throw SafetensorsError(url, Self.cause) }
    }

    deinit {
        if descriptor >= 0 { close(descriptor) }
    }

    private static var cause: String { String(cString: strerror(errno)) }
}

extension ScalarType {
    /// The name of the type in a safetensors header.
    fileprivate var format: String {
        switch self {
        case .float16: "F16"
        case .bfloat16: "BF16"
        case .float32: "F32"
        case .float64: "F64"
        case .int32: "I32"
        case .int64: "I64"
        case .int8: "I8"
        case .uint8: "U8"
        case .bool: "BOOL"
        }
    }
}

import CTorch
import Foundation

/// Writes safetensors files, tensor by tensor from where they lie: no second copy of a model is made.
public enum SafetensorsWriter {
    /// Writes `tensors` (contiguous) in this order to a new file at `url`, over one that is there.
    ///
    /// The file is written in place and not flushed to the device; atomic replacement is the caller's business.
    ///
    /// - Returns: how many bytes the file has.
    /// - Throws: where the file cannot be written; what is there then is incomplete.
    @discardableResult
    public static func write(
        _ tensors: [(name: String, tensor: Tensor)], metadata: [String: String] = ["format": "pt"], to url: URL
    ) throws(SafetensorsError) -> Int {
        let output = try OutputFile(url)
        let header = try header(tensors, metadata: metadata, url)
        try output.write(withUnsafeBytes(of: UInt64(header.count).littleEndian) { Array($0) })
        try output.write(header)
        for (name, tensor) in tensors {
            guard tensor.isContiguous else { preconditionFailure("tensor \(name) is not contiguous") }
            try output.write(UnsafeRawBufferPointer(start: tensor.address, count: tensor.byteCount))
        }
        try output.finish()
        return output.count
    }

    /// The JSON header: sorted keys, padded with spaces so that the data starts at a multiple of eight bytes.
    private static func header(
        _ tensors: [(name: String, tensor: Tensor)], metadata: [String: String], _ url: URL
    ) throws(SafetensorsError) -> [UInt8] {
        var object: [String: Any] = ["__metadata__": metadata]
        var end = 0
        for (name, tensor) in tensors {
            precondition(object[name] == nil, "two tensors are named \(name)")
            let start = end
            end += tensor.byteCount
            object[name] = ["dtype": tensor.type.format, "shape": tensor.shape, "data_offsets": [start, end]]
        }
        let options: JSONSerialization.WritingOptions = [.sortedKeys, .withoutEscapingSlashes]
        guard let text = try? JSONSerialization.data(withJSONObject: object, options: options) else {
            throw SafetensorsError(url, "the header cannot be written as JSON")
        }
        let padding = (8 - text.count % 8) % 8
        return Array(text) + repeatElement(UInt8(ascii: " "), count: padding)
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

extension Tensor {
    var isContiguous: Bool { ct_is_contiguous(handle) }

    /// Bytes its elements take.
    var byteCount: Int { count * type.size }
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
        case .uint8: "U8"
        case .bool: "BOOL"
        }
    }
}

import Foundation
import JSON

/// The header of a safetensors file: read from a file's bytes and checked, or made for tensors to be written.
struct SafetensorsHeader {
    typealias Entry = SafetensorsFile.Entry

    /// The tensors, in the order of their bytes.
    let entries: [Entry]
    let metadata: [String: String]
    /// Where the tensors' bytes start in the file.
    let end: Int

    /// The bytes that hold the header's length.
    static let prefix = 8
    private static let maximumLength = 100_000_000
    private static let maximumRank = 64

    init(_ file: UnsafeRawBufferPointer, _ url: URL) throws(SafetensorsError) {
        let length = UInt64(littleEndian: file.loadUnaligned(as: UInt64.self))
        guard length <= Self.maximumLength else {
            throw SafetensorsError(url, "a header of \(length) bytes is too long; this is not a safetensors file")
        }
        end = Self.prefix + Int(length)
        guard end <= file.count else {
            throw SafetensorsError(url, "the header takes \(length) bytes, the file has \(file.count); it is truncated")
        }
        let text = UnsafeRawBufferPointer(rebasing: file[Self.prefix..<end])
        guard case .object(let object)? = try? JSON(parsing: text) else {
            throw SafetensorsError(url, "the header is not a JSON object; this is not a safetensors file")
        }
        metadata = Self.texts(object["__metadata__"]) ?? [:]
        var entries: [Entry] = []
        // Swift takes two names for one where they differ in Unicode composition alone.
        var names: Set<String> = []
        for (name, value) in object.entries.map({ ($0.key, $0.value) }) where name != "__metadata__" {
            guard names.insert(name).inserted else { throw SafetensorsError(url, "two tensors are named \(name)") }
            entries.append(try Self.entry(name, value, url))
        }
        entries.sort { ($0.bytes.lowerBound, $0.bytes.upperBound) < ($1.bytes.lowerBound, $1.bytes.upperBound) }
        try Self.checkLayout(entries, available: file.count - end, url)
        self.entries = entries
    }

    /// The texts of an object that holds nothing else.
    private static func texts(_ value: JSON?) -> [String: String]? {
        guard case .object(let object)? = value else { return nil }
        let texts = object.entries.compactMap { entry in entry.value.text.map { (entry.key, $0) } }
        return texts.count == object.entries.count ? Dictionary(texts) { $1 } : nil
    }

    /// The numbers of a list that holds nothing but integers.
    private static func integers(_ value: JSON?) -> [Int]? {
        guard case .array(let items)? = value else { return nil }
        let integers = items.compactMap(\.integer)
        return integers.count == items.count ? integers : nil
    }

    private static func entry(_ name: String, _ value: JSON, _ url: URL) throws(SafetensorsError) -> Entry {
        guard case .object(let fields) = value, let format = fields["dtype"]?.text,
            let shape = integers(fields["shape"]), let offsets = integers(fields["data_offsets"]), offsets.count == 2
        else { throw SafetensorsError(url, "tensor \(name) lacks a dtype, a shape or two data_offsets") }
        guard let size = sizes[format] else {
            throw SafetensorsError(url, "tensor \(name) has the unknown dtype \(format)")
        }
        var product = size
        for extent in shape {
            // Zeros left aside: strides of an empty tensor are computed all the same.
            let (next, overflow) = product.multipliedReportingOverflow(by: max(1, extent))
            guard extent >= 0, !overflow, shape.count <= maximumRank else {
                throw SafetensorsError(url, "tensor \(name) has the impossible shape \(shape.prefix(maximumRank))")
            }
            product = next
        }
        let bytes = shape.contains(0) ? 0 : product
        guard offsets[0] >= 0, offsets[0] <= offsets[1], offsets[1] - offsets[0] == bytes else {
            throw SafetensorsError(
                url, "tensor \(name) \(format) \(shape) takes \(bytes) bytes, but its data_offsets are \(offsets)")
        }
        return Entry(name: name, shape: shape, format: format, bytes: offsets[0]..<offsets[1])
    }

    /// Tensors follow each other without overlap or gap, up to the end of the file.
    private static func checkLayout(_ entries: [Entry], available: Int, _ url: URL) throws(SafetensorsError) {
        var position = 0
        for entry in entries {
            guard entry.bytes.upperBound <= available else {
                throw SafetensorsError(
                    url,
                    "tensor \(entry.name) ends at byte \(entry.bytes.upperBound) of the data, which has \(available); "
                        + "the file is truncated")
            }
            guard entry.bytes.lowerBound == position else {
                let fault = entry.bytes.lowerBound < position ? "overlaps the tensor before it" : "follows a gap"
                throw SafetensorsError(url, "tensor \(entry.name) \(fault)")
            }
            position = entry.bytes.upperBound
        }
        guard position == available else {
            throw SafetensorsError(url, "\(available - position) bytes after the last tensor belong to none")
        }
    }

    /// Bytes an element takes, by dtype.
    private static let sizes = [
        "BOOL": 1, "U8": 1, "I8": 1, "F8_E4M3": 1, "F8_E5M2": 1, "I16": 2, "U16": 2, "F16": 2, "BF16": 2, "I32": 4,
        "U32": 4, "F32": 4, "I64": 8, "U64": 8, "F64": 8,
    ]
}

import Foundation

/// A file read from start to end, unpacked on the way where it is compressed by gzip or zstd (told by its first bytes, not
/// its name).
final class InputFile {
    private static let chunk = 1 << 18

    /// What the file is packed in; `nil` for one that is read as it is.
    var compression: String? { decoder?.name }

    private let path: String
    private let descriptor: Int32
    private let input = UnsafeMutableRawBufferPointer.allocate(byteCount: chunk, alignment: 16)
    private var pending = 0..<0
    private var decoder: (any StreamDecoder)?

    init(_ file: URL) throws(DataError) {
        path = file.relativePath
        descriptor = open(file.path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            let code = errno
            throw code == ENOENT ? .missing(path: path) : .system(path: path, reason: String(cString: strerror(code)))
        }
        while pending.count < 4, try refill() {}
        let start = UnsafeRawBufferPointer(rebasing: input[pending])
        if GzipDecoder.reads(start) {
            decoder = GzipDecoder()
        } else if ZstdDecoder.reads(start) {
            decoder = ZstdDecoder()
        }
    }

    deinit {
        input.deallocate()
        if descriptor >= 0 { close(descriptor) }
    }

    /// Fills `output`, and returns how many bytes there were: fewer only at the end of the file.
    func fill(_ output: UnsafeMutableRawBufferPointer) throws(DataError) -> Int {
        var count = 0
        while count < output.count {
            let more = try read(into: UnsafeMutableRawBufferPointer(rebasing: output[count...]))
            if more == 0 { break }
            count += more
        }
        return count
    }

    /// Fills the front of `output` and returns how many bytes; 0 at the end of the file.
    func read(into output: UnsafeMutableRawBufferPointer) throws(DataError) -> Int {
        while true {
            let isAtEnd = pending.isEmpty ? try !refill() : false
            // A decoder may hold back what it found no room for.
            if isAtEnd, decoder?.isInside != true { return 0 }
            let bytes = UnsafeRawBufferPointer(rebasing: input[pending])
            guard let decoder else {
                let count = min(bytes.count, output.count)
                output.copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[..<count]))
                pending = pending.lowerBound + count..<pending.upperBound
                return count
            }
            let (taken, written): (Int, Int)
            do throws(StreamDecoderError) {
                (taken, written) = try decoder.decode(bytes, into: output)
            } catch {
                throw .damaged(path: path, what: "\(decoder.name) data", reason: error.reason)
            }
            pending = pending.lowerBound + taken..<pending.upperBound
            if written > 0 { return written }
            if isAtEnd {
                throw .damaged(path: path, what: "\(decoder.name) data", reason: "it ends in the middle")
            }
        }
    }

    /// Reads on into `input`, behind what is pending; false at the end of the file.
    private func refill() throws(DataError) -> Bool {
        if pending.isEmpty { pending = 0..<0 }
        let room = UnsafeMutableRawBufferPointer(rebasing: input[pending.upperBound...])
        let count = Foundation.read(descriptor, room.baseAddress, room.count)
        guard count >= 0 else {
            if errno == EINTR { return try refill() }
            throw .system(
                path: path, reason: errno == EISDIR ? "a directory, not a file" : String(cString: strerror(errno)))
        }
        pending = pending.lowerBound..<pending.upperBound + count
        return count > 0
    }
}

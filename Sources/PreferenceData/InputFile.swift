import CZlib
import Foundation

/// A file read from start to end, inflated on the way where it is gzip (told by its first bytes, not its name).
///
/// Gzip members may follow each other, as `cat a.gz b.gz` leaves them; zero padding at the end is tolerated.
final class InputFile {
    private static let chunk = 1 << 18

    private let path: String
    private let descriptor: Int32
    private let input = UnsafeMutablePointer<UInt8>.allocate(capacity: chunk)
    private var pending = 0..<0
    /// `nil` for a plain file. On the heap because zlib keeps a pointer to it.
    private var inflater: UnsafeMutablePointer<z_stream>?
    private var insideMember = false

    init(_ file: URL) throws(DataError) {
        path = file.relativePath
        descriptor = open(file.path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            let code = errno
            throw code == ENOENT ? .missing(path: path) : .system(path: path, reason: String(cString: strerror(code)))
        }
        while pending.count < 2, try refill() {}
        if pending.count >= 2, input[0] == 0x1F, input[1] == 0x8B {
            let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
            stream.initialize(to: z_stream())
            // 15 bits of window, plus 16: a gzip header, not zlib's.
            let status = inflateInit2_(stream, 15 + 16, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
            precondition(status == Z_OK, "inflateInit2: \(status)")
            inflater = stream
        }
    }

    deinit {
        if let inflater {
            inflateEnd(inflater)
            inflater.deallocate()
        }
        input.deallocate()
        if descriptor >= 0 { close(descriptor) }
    }

    /// Fills the front of `output` and returns how many bytes; 0 at the end of the file.
    func read(into output: UnsafeMutableRawBufferPointer) throws(DataError) -> Int {
        guard let inflater else {
            if pending.isEmpty, try !refill() { return 0 }
            let count = min(pending.count, output.count)
            output.copyMemory(from: UnsafeRawBufferPointer(start: input + pending.lowerBound, count: count))
            pending = pending.lowerBound + count..<pending.upperBound
            return count
        }
        while true {
            if pending.isEmpty, try !refill() {
                guard !insideMember else { throw .damaged(path: path, reason: "it ends in the middle") }
                return 0
            }
            if !insideMember, try !startMember(inflater) { continue }
            let count = try inflate(inflater, into: output)
            if count > 0 { return count }
        }
    }

    /// Makes ready for the member at the front of `pending`; false where only padding stands there.
    private func startMember(_ stream: UnsafeMutablePointer<z_stream>) throws(DataError) -> Bool {
        if input[pending.lowerBound] == 0 {
            pending = pending.lowerBound + 1..<pending.upperBound
            return false
        }
        inflateReset(stream)
        insideMember = true
        return true
    }

    private func inflate(
        _ stream: UnsafeMutablePointer<z_stream>, into output: UnsafeMutableRawBufferPointer
    ) throws(DataError) -> Int {
        let room = UInt32(min(output.count, 1 << 30))
        stream.pointee.next_in = input + pending.lowerBound
        stream.pointee.avail_in = UInt32(pending.count)
        stream.pointee.next_out = output.baseAddress?.assumingMemoryBound(to: UInt8.self)
        stream.pointee.avail_out = room
        let status = CZlib.inflate(stream, Z_NO_FLUSH)
        pending = pending.upperBound - Int(stream.pointee.avail_in)..<pending.upperBound
        switch status {
        case Z_STREAM_END: insideMember = false
        case Z_OK, Z_BUF_ERROR: break
        default:
            throw .damaged(path: path, reason: stream.pointee.msg.map { String(cString: $0) } ?? "zlib error \(status)")
        }
        return Int(room - stream.pointee.avail_out)
    }

    /// Reads on into `input`, behind what is pending; false at the end of the file.
    private func refill() throws(DataError) -> Bool {
        if pending.isEmpty { pending = 0..<0 }
        let count = Foundation.read(descriptor, input + pending.upperBound, Self.chunk - pending.upperBound)
        guard count >= 0 else {
            if errno == EINTR { return try refill() }
            throw .system(
                path: path, reason: errno == EISDIR ? "a directory, not a file" : String(cString: strerror(errno)))
        }
        pending = pending.lowerBound..<pending.upperBound + count
        return count > 0
    }
}

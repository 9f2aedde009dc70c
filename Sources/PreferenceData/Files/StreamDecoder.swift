import CZlib
import CZstd

/// Unpacks what one compressor packed, piece by piece.
protocol StreamDecoder: AnyObject {
    /// The compressor.
    var name: String { get }
    /// Whether more must come: what is packed has begun and has not ended.
    var isInside: Bool { get }

    /// Takes bytes off the front of `input`, which is empty only while ``isInside``, and writes what they unpack to, if anything,
    /// to the front of `output`.
    func decode(
        _ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer
    ) throws(StreamDecoderError) -> (taken: Int, written: Int)
}

/// What a decompressor says of damaged data.
struct StreamDecoderError: Error {
    let reason: String
}

/// Gzip members, which may follow each other as `cat a.gz b.gz` leaves them; zero padding at the end is tolerated.
final class GzipDecoder: StreamDecoder {
    let name = "gzip"
    private(set) var isInside = false
    /// On the heap because zlib keeps a pointer to it.
    private let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)

    init() {
        stream.initialize(to: z_stream())
        // 15 bits of window, plus 16: a gzip header, not zlib's.
        let status = inflateInit2_(stream, 15 + 16, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
        precondition(status == Z_OK, "inflateInit2: \(status)")
    }

    deinit {
        inflateEnd(stream)
        stream.deallocate()
    }

    /// Whether a file that begins with these bytes is gzip.
    static func reads(_ start: UnsafeRawBufferPointer) -> Bool { start.starts(with: [0x1F, 0x8B]) }

    func decode(
        _ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer
    ) throws(StreamDecoderError) -> (taken: Int, written: Int) {
        if !isInside {
            if input[0] == 0 { return (1, 0) }
            inflateReset(stream)
            isInside = true
        }
        let room = UInt32(min(output.count, 1 << 30))
        // zlib reads what it is given through a pointer that is not const.
        stream.pointee.next_in = UnsafeMutablePointer(mutating: input.assumingMemoryBound(to: UInt8.self).baseAddress)
        stream.pointee.avail_in = UInt32(input.count)
        stream.pointee.next_out = output.assumingMemoryBound(to: UInt8.self).baseAddress
        stream.pointee.avail_out = room
        let status = inflate(stream, Z_NO_FLUSH)
        switch status {
        case Z_STREAM_END: isInside = false
        case Z_OK, Z_BUF_ERROR: break
        default:
            throw StreamDecoderError(
                reason: stream.pointee.msg.map { String(cString: $0) } ?? "zlib error \(status)")
        }
        return (input.count - Int(stream.pointee.avail_in), Int(room - stream.pointee.avail_out))
    }
}

/// Frames of zstd, which may follow each other.
final class ZstdDecoder: StreamDecoder {
    let name = "zstd"
    private(set) var isInside = false
    private let stream: OpaquePointer

    init() {
        guard let stream = ZSTD_createDStream() else { preconditionFailure("ZSTD_createDStream") }
        self.stream = stream
    }

    deinit { ZSTD_freeDStream(stream) }

    /// Whether a file that begins with these bytes is zstd: a frame, or one to skip, in front of which some tools write sizes.
    static func reads(_ start: UnsafeRawBufferPointer) -> Bool {
        start.starts(with: [0x28, 0xB5, 0x2F, 0xFD])
            || start.count >= 4 && start[0] & 0xF0 == 0x50 && start[1...].starts(with: [0x2A, 0x4D, 0x18])
    }

    func decode(
        _ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer
    ) throws(StreamDecoderError) -> (taken: Int, written: Int) {
        var source = ZSTD_inBuffer(src: input.baseAddress, size: input.count, pos: 0)
        var target = ZSTD_outBuffer(dst: output.baseAddress, size: output.count, pos: 0)
        let status = ZSTD_decompressStream(stream, &target, &source)
        guard ZSTD_isError(status) == 0 else {
            throw StreamDecoderError(reason: String(cString: ZSTD_getErrorName(status)))
        }
        isInside = status != 0
        return (source.pos, target.pos)
    }
}

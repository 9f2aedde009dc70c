/// TensorBoard's `Event` messages, with the field numbers of `event.proto` and `summary.proto`.
package enum TensorBoardEvent {
    /// The event that opens every file.
    package static func fileVersion(time: Double) -> [UInt8] {
        var event = ProtobufEncoder()
        event.double(1, time)
        event.string(3, "brain.Event:2")
        return event.bytes
    }

    /// Says that a run starts (again) at `step`: what was recorded from there on no longer counts.
    package static func sessionStart(step: Int, time: Double) -> [UInt8] {
        var session = ProtobufEncoder()
        session.integer(1, 1)
        var event = ProtobufEncoder()
        event.double(1, time)
        event.integer(2, step)
        event.message(7, session)
        return event.bytes
    }

    /// Scalars of one step.
    package static func scalars(_ metrics: MetricValues, step: Int, time: Double) -> [UInt8] {
        var summary = ProtobufEncoder()
        for (name, number) in metrics.entries {
            var value = ProtobufEncoder()
            value.string(1, name)
            value.float(2, Float(number))
            summary.message(1, value)
        }
        var event = ProtobufEncoder()
        event.double(1, time)
        event.integer(2, step)
        event.message(5, summary)
        return event.bytes
    }
}

/// Encodes a protobuf message field by field.
package struct ProtobufEncoder {
    package private(set) var bytes: [UInt8] = []

    private enum WireType: UInt64 {
        case varint = 0
        case fixed64 = 1
        case delimited = 2
        case fixed32 = 5
    }

    package mutating func integer(_ field: UInt64, _ value: Int) {
        tag(field, .varint)
        varint(UInt64(bitPattern: Int64(value)))
    }

    package mutating func double(_ field: UInt64, _ value: Double) {
        tag(field, .fixed64)
        withUnsafeBytes(of: value.bitPattern.littleEndian) { bytes += $0 }
    }

    package mutating func float(_ field: UInt64, _ value: Float) {
        tag(field, .fixed32)
        withUnsafeBytes(of: value.bitPattern.littleEndian) { bytes += $0 }
    }

    package mutating func string(_ field: UInt64, _ value: String) {
        delimited(field, Array(value.utf8))
    }

    package mutating func message(_ field: UInt64, _ value: ProtobufEncoder) {
        delimited(field, value.bytes)
    }

    private mutating func delimited(_ field: UInt64, _ value: [UInt8]) {
        tag(field, .delimited)
        varint(UInt64(value.count))
        bytes += value
    }

    private mutating func tag(_ field: UInt64, _ type: WireType) {
        varint(field << 3 | type.rawValue)
    }

    private mutating func varint(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }
}

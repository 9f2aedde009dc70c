import Foundation

/// A message as it travels: a small header as JSON, and bulk data as bytes.
package struct Parcel<Header: Codable & Sendable>: Sendable {
    package var header: Header
    package var payload: [UInt8] = []

    package init(_ header: Header, payload: [UInt8] = []) {
        self.header = header
        self.payload = payload
    }

    /// The header's length in 8 bytes, the header, the payload.
    package func encoded() throws -> [UInt8] {
        let json = try JSONEncoder.forMessages.encode(header)
        var writer = ByteWriter()
        writer.write(UInt64(json.count))
        return writer.bytes + json + payload
    }

    package init(decoding bytes: [UInt8]) throws {
        var reader = ByteReader(bytes)
        let json = try reader.take(Int(truncatingIfNeeded: reader.read(UInt64.self)))
        header = try JSONDecoder.forMessages.decode(Header.self, from: Data(json))
        payload = Array(reader.rest)
    }
}

extension JSONEncoder {
    /// Numbers of messages may be infinite or not a number.
    package static var forMessages: JSONEncoder {
        let encoder = JSONEncoder()
        encoder.nonConformingFloatEncodingStrategy = .convertToString(
            positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
        return encoder
    }
}

extension JSONDecoder {
    package static var forMessages: JSONDecoder {
        let decoder = JSONDecoder()
        decoder.nonConformingFloatDecodingStrategy = .convertFromString(
            positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
        return decoder
    }
}

extension MetricValues: Codable {
    /// Names and values in order.
    package init(from decoder: any Decoder) throws {
        var container = try decoder.unkeyedContainer()
        self = [:]
        while !container.isAtEnd {
            let name = try container.decode(String.self)
            self[name] = try container.decode(Double.self)
        }
    }

    /// Names and values in order.
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.unkeyedContainer()
        for (name, value) in entries {
            try container.encode(name)
            try container.encode(value)
        }
    }
}

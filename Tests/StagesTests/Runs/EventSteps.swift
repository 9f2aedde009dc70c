import Foundation
import Testing

/// The steps that TensorBoard shows of the event files in a directory.
enum EventSteps {
    /// Reads all files by name; where one says that a session starts at a step, what came before it from that step on is
    /// forgotten.
    static func visible(in directory: URL) throws -> [Int] {
        var steps: [Int] = []
        for file in try FileManager.default.contentsOfDirectory(atPath: directory.path).sorted() {
            var bytes = try Data(contentsOf: directory.appending(path: file))[...]
            while bytes.count >= 12 {
                let length = Int(bytes.prefix(8).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) })
                let event = try Event(bytes.dropFirst(12).prefix(length))
                if event.startsSession { steps.removeAll { $0 >= event.step } }
                if event.hasScalars { steps.append(event.step) }
                bytes = bytes.dropFirst(16 + length)
            }
            #expect(bytes.isEmpty, "\(file) ends within a record")
        }
        return steps
    }

    /// The fields of `event.proto` that matter here.
    private struct Event {
        var step = 0
        var hasScalars = false
        var startsSession = false

        init(_ message: Data) throws {
            var rest = message[...]
            func varint() throws -> Int {
                var (value, shift) = (0, 0)
                while true {
                    let first = rest.popFirst()
                    let byte = try #require(first)
                    value |= Int(byte & 0x7f) << shift
                    shift += 7
                    if byte < 0x80 { return value }
                }
            }
            while !rest.isEmpty {
                let tag = try varint()
                switch tag & 7 {
                case 0:
                    let value = try varint()
                    if tag >> 3 == 2 { step = value }
                case 1: rest = rest.dropFirst(8)
                default:
                    let length = try varint()
                    rest = rest.dropFirst(length)
                    hasScalars = hasScalars || tag >> 3 == 5
                    startsSession = startsSession || tag >> 3 == 7
                }
            }
        }
    }
}

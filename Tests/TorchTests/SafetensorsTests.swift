import Foundation
import TestSupport
import Testing
import Torch

@Suite("Safetensors files")
struct SafetensorsTests {
    @Test("Tensors of every type come back as they were written, from a header that is a multiple of eight bytes")
    func roundTrip() throws {
        try TestSupport.withTemporaryDirectory { directory in
            let url = directory.appending(path: "a.safetensors")
            let floats = Tensor([1, -2.5, 3e-7, 4, 5, 6] as [Float], shape: [2, 3])
            let wide = Tensor([0.1, 1e300] as [Double])
            let integers = Tensor([Int64.max, -1] as [Int64])
            let empty = Tensor.zeros([0, 4])
            let half = floats.converted(to: .bfloat16)
            let size = try SafetensorsWriter.write(
                [("b.floats", floats), ("wide", wide), ("integers", integers), ("empty", empty), ("a.half", half)],
                metadata: ["format": "pt", "step": "7"], to: url)
            let data = try Data(contentsOf: url)
            #expect(data.count == size)
            #expect(data.prefix(8).enumerated().reduce(0) { $0 + Int($1.element) << (8 * $1.offset) }.isMultiple(of: 8))

            let file = try SafetensorsFile(url)
            #expect(file.metadata == ["format": "pt", "step": "7"])
            #expect(file.entries.count == 5)
            #expect(try file.tensor("b.floats").floats() == floats.floats())
            #expect(try file.tensor("b.floats").shape == [2, 3])
            #expect(try file.tensor("wide").doubles() == [0.1, 1e300])
            #expect(try file.tensor("integers").integers() == [Int64.max, -1])
            #expect(try file.tensor("empty").shape == [0, 4])
            let read = Tensor.zeros([2, 3])
            try file.read("a.half", into: read)
            #expect(read.floats() == half.floats())
            #expect(read.type == .float32)
        }
    }

    @Test(
        "The header of a file is the bytes that Foundation would write: layers by their number, no spaces"
    )
    func headerBytes() throws {
        try TestSupport.withTemporaryDirectory { directory in
            let url = directory.appending(path: "a.safetensors")
            let names = ["layers.10.w", "lm_head", "layers.2.w", "Layers.2.w", "a_b", "a.b", "\"/é\n"]
            try SafetensorsWriter.write(
                names.map { ($0, .zeros([1])) }, metadata: ["b": "1", "a": "\u{8}"], to: url)
            let header = String(
                decoding: try Data(contentsOf: url).dropFirst(8).dropLast(4 * names.count), as: UTF8.self)
            func entry(_ name: String, _ start: Int) -> String {
                #""\#(name)":{"data_offsets":[\#(start),\#(start + 4)],"dtype":"F32","shape":[1]}"#
            }
            let expected =
                [
                    #""__metadata__":{"a":"\b","b":"1"}"#, entry(#"\"/é\n"#, 24), entry("a_b", 16), entry("a.b", 20),
                    entry("layers.2.w", 8), entry("Layers.2.w", 12), entry("layers.10.w", 0), entry("lm_head", 4),
                ].joined(separator: ",")
            #expect(header.trimmingCharacters(in: .whitespaces) == "{\(expected)}")
        }
    }

    @Test("Infinities and NaN are found in every type that has them, and nothing else is taken for them")
    func finiteness() throws {
        try TestSupport.withTemporaryDirectory { directory in
            func isFinite(_ tensor: Tensor) throws -> Bool {
                let url = directory.appending(path: "a.safetensors")
                _ = try SafetensorsWriter.write([("a", tensor)], to: url)
                return try SafetensorsFile(url).isFinite("a")
            }
            for type in [ScalarType.float32, .bfloat16, .float16, .float64] {
                for number in [Float.infinity, -.infinity, .nan] {
                    // At the end of a vector's length, and in what is left over.
                    for place in [0, 63, 66] {
                        var numbers = [Float](repeating: -1.5, count: 67)
                        numbers[place] = number
                        let isFound = try !isFinite(Tensor(numbers).converted(to: type))
                        #expect(isFound, "\(number) at \(place) of \(type)")
                    }
                }
                #expect(try isFinite(Tensor([0, -0.0, 65504, -65504, 6e-8] as [Float]).converted(to: type)), "\(type)")
            }
            let largest = Float.greatestFiniteMagnitude
            #expect(try isFinite(Tensor([largest, -largest, .leastNonzeroMagnitude] as [Float])))
            #expect(try isFinite(Tensor([Int64.max, -1] as [Int64])))
            #expect(try isFinite(Tensor.zeros([0, 4])))
        }
    }

    @Test("A tensor of another shape, or one that is not there, is an error that names file and tensor")
    func wrongTensor() throws {
        try TestSupport.withTemporaryDirectory { directory in
            let url = directory.appending(path: "a.safetensors")
            try SafetensorsWriter.write([("w", .zeros([2, 3]))], to: url)
            let file = try SafetensorsFile(url)
            #expect(
                message { try file.read("w", into: .zeros([3, 2])) }?.contains(
                    "a.safetensors: tensor w has shape [2, 3]") == true)
            #expect(message { try file.read("x", into: .zeros([3, 2])) }?.contains("there is no tensor x") == true)
        }
    }

    @Test(
        "A file whose header does not describe it is refused with what is wrong",
        arguments: [
            (#"{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#, 4, "truncated"),
            (#"{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#, 12, "belong to none"),
            (#"{"w":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}}"#, 8, "takes 12 bytes"),
            (#"{"w":{"dtype":"F99","shape":[2],"data_offsets":[0,8]}}"#, 8, "unknown dtype F99"),
            (#"{"w":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}}"#, 8, "impossible shape"),
            (#"{"w":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,8]}}"#, 8, "impossible shape"),
            (#"{"w":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}}"#, 8, "data_offsets are [8, 0]"),
            (#"{"w":{"dtype":"F32","shape":[2]}}"#, 8, "lacks a dtype, a shape or two data_offsets"),
            (#"{"w":{"dtype":"F32","shape":[2.0],"data_offsets":[0,8]}}"#, 8, "lacks a dtype, a shape or two"),
            (#"{"w":{"dtype":"F32","shape":[2,true],"data_offsets":[0,8]}}"#, 8, "lacks a dtype, a shape or two"),
            (
                "{\"\u{E9}\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},"
                    + "\"e\u{301}\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}}", 8,
                "two tensors are named"
            ),
            (#"{"w":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}"#, 12, "follows a gap"),
            (
                #"{"v":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"w":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}"#,
                12, "overlaps"
            ),
            ("[1, 2]", 8, "not a JSON object"), ("{\"w\":", 8, "not a JSON object"),
        ])
    func hostileHeader(header: String, dataBytes: Int, problem: String) throws {
        try TestSupport.withTemporaryDirectory { directory in
            let url = directory.appending(path: "bad.safetensors")
            let length = withUnsafeBytes(of: UInt64(header.utf8.count).littleEndian) { Data($0) }
            try (length + Data(header.utf8) + Data(count: dataBytes)).write(to: url)
            let text = message { _ = try SafetensorsFile(url) }
            #expect(text?.contains(problem) == true, "\(text ?? "no error")")
            #expect(text?.contains("bad.safetensors") == true)
        }
    }

    @Test("A header length past the end of the file, a file of a few bytes, and a missing one are errors")
    func hostileLength() throws {
        try TestSupport.withTemporaryDirectory { directory in
            let url = directory.appending(path: "bad.safetensors")
            #expect(message { _ = try SafetensorsFile(url) }?.contains("No such file") == true)
            #expect(message { _ = try SafetensorsFile(directory) }?.contains("not a file") == true)
            try Data([1, 2, 3]).write(to: url)
            #expect(message { _ = try SafetensorsFile(url) }?.contains("truncated") == true)
            try Data([255, 255, 255, 255, 255, 255, 255, 255, 0x7B]).write(to: url)
            #expect(message { _ = try SafetensorsFile(url) }?.contains("too long") == true)
            try Data([200, 0, 0, 0, 0, 0, 0, 0, 0x7B]).write(to: url)
            #expect(message { _ = try SafetensorsFile(url) }?.contains("truncated") == true)
        }
    }

    private func message(_ body: () throws -> Void) -> String? {
        do { try body() } catch { return "\(error)" }
        return nil
    }
}

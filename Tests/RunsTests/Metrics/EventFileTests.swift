import Foundation
import Runs
import Stages
import TestSupport
import Testing
import Training

@Suite("TensorBoard event files")
struct EventFileTests {
    /// The records that TensorBoard 2.21's own protobuf classes and checksum make of the same events.
    @Test("Records equal TensorBoard's own, byte for byte")
    func golden() {
        let time = 1_700_000_000.25
        #expect(
            hex(TFRecord.frame(TensorBoardEvent.fileVersion(time: time)))
                == "1800000000000000a37f4b220900001040fc54d9411a0d627261696e2e4576656e743a32338d2fe9")
        #expect(
            hex(TFRecord.frame(TensorBoardEvent.sessionStart(step: 301, time: time)))
                == "100000000000000095fbfe180900001040fc54d94110ad023a020801cb79b93b")
        #expect(
            hex(
                TFRecord.frame(
                    TensorBoardEvent.scalars(["loss": 0.6931, "rewards/margins": -2.5], step: 300, time: time)))
                == "33000000000000000ca720560900001040fc54d94110ac022a250a0b0a046c6f737315006f313f0a160a0f72657761"
                + "7264732f6d617267696e7315000020c03e901b9a")
    }

    @Test("The checksum is CRC-32C: the check value and the vectors of RFC 3720")
    func checksum() {
        #expect(TFRecord.crc32c(Array("123456789".utf8)) == 0xE306_9283)
        #expect(TFRecord.crc32c([]) == 0)
        #expect(TFRecord.crc32c(Array(repeating: 0, count: 32)) == 0x8A91_36AA)
        #expect(TFRecord.crc32c(Array(repeating: 0xFF, count: 32)) == 0x62A8_AB43)
        #expect(TFRecord.crc32c(Array(0..<32)) == 0x46DD_794E)
    }

    @Test(
        "TensorBoard reads the scalars, and forgets those after the point of a resume",
        .enabled(if: Python.tensorboard != nil, "no Python with tensorboard: set MPO_PYTHON"))
    func readBack() throws {
        let python = try #require(Python.tensorboard)
        try TestSupport.withTemporaryDirectory { directory in
            let first = try MetricsWriter(runDirectory: directory, clock: { 100 })
            var position = first.position
            for step in 1...300 {
                try first.write(
                    stage: "03-dpo", step: step, metrics: ["loss": 1 / Double(step), "rewards/margins": .nan])
                if step == 200 { position = first.position }
            }
            let second = try MetricsWriter(runDirectory: directory, resumingAt: position, clock: { 100 })
            for step in 201...210 { try second.write(stage: "03-dpo", step: step, metrics: ["loss": Double(step)]) }

            let script = """
                import json, sys
                from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
                events = EventAccumulator(sys.argv[1], size_guidance={"scalars": 0})
                events.Reload()
                print(json.dumps([[e.step, e.value] for e in events.Scalars("loss")]))
                """
            let output = try Python.run(python, ["-c", script, directory.path + "/tensorboard/03-dpo"])
            let scalars = try JSONDecoder().decode([[Double]].self, from: output)
            #expect(scalars.map { $0[0] } == (1...210).map(Double.init))
            #expect(scalars[199][1] == Double(Float(1.0 / 200)) && scalars[200][1] == 201)
        }
    }

    private func hex(_ bytes: [UInt8]) -> String {
        bytes.map { String(format: "%02x", $0) }.joined()
    }
}

/// A Python that can check files of other tools' formats.
enum Python {
    /// `MPO_PYTHON`, else `.deps/venv/bin/python`, where it has TensorBoard.
    static let tensorboard: String? = {
        let path =
            ProcessInfo.processInfo.environment["MPO_PYTHON"]
            ?? TestSupport.repository.appending(path: ".deps/venv/bin/python").path
        guard FileManager.default.isExecutableFile(atPath: path) else { return nil }
        return (try? run(path, ["-c", "import tensorboard"])) == nil ? nil : path
    }()

    struct Failure: Error {
        let status: Int32
    }

    static func run(_ path: String, _ arguments: [String]) throws -> Data {
        let process = Process()
        process.executableURL = URL(filePath: path)
        process.arguments = arguments
        let pipe = Pipe()
        process.standardOutput = pipe
        process.standardError = FileHandle.nullDevice
        try process.run()
        let output = try pipe.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw Failure(status: process.terminationStatus) }
        return output
    }
}

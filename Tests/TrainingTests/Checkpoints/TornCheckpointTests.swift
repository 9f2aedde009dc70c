import Foundation
import PreferenceData
import TestSupport
import Testing
import Torch
import Training

@Suite("Checkpoints that cannot be torn")
struct TornCheckpointTests {
    private static let trials = TestSupport.runsLongTests ? 500 : 50

    @Test("A process killed at random places of its writing leaves a whole checkpoint: the one before it, or its own")
    func killed() throws {
        try TestSupport.withTemporaryDirectory { directory in
            let places = try #require(try write(directory.appending(path: "whole"), 1...3, end: .max).places)
            #expect(places > 3 * 2 * (4 << 15))
            var random = SplitMix64(33)
            for trial in 0..<Self.trials {
                let stage = directory.appending(path: "\(trial)")
                try write(stage, 1...1, end: .max)
                let end = random.next(below: places * 2 / 3)
                let written = try write(stage, 2...3, end: end)
                #expect(written.places == nil, "place \(end) came after the end")
                AtomicDirectory.recover(in: stage)
                let newest = try #require(CheckpointStore(stage).newest(), "killed at \(end): no checkpoint is left")
                #expect(newest >= written.steps.last ?? 1, "killed at \(end): a finished checkpoint is lost")
                try expectWhole(stage, newest)
                let names = try FileManager.default.contentsOfDirectory(atPath: stage.path)
                #expect(names.allSatisfy { $0.hasPrefix("checkpoint-") }, "killed at \(end): \(names)")
                // And it goes on from there.
                try write(stage, newest + 1...4, end: .max)
                #expect(try FileManager.default.contentsOfDirectory(atPath: stage.path) == ["checkpoint-00000004"])
                try FileManager.default.removeItem(at: stage)
            }
        }
    }

    @Test("One that was cut or changed in any file is named, and the one before it is taken", arguments: 0..<30)
    func damaged(number: Int) throws {
        try TestSupport.withTemporaryDirectory { directory in
            let store = CheckpointStore(directory)
            for step in 1...2 {
                try store.write(step: step) { place in
                    for name in ["model.safetensors", "optimizer.safetensors", "trainer_state.json"] {
                        try Data((0..<1000).map { UInt8(truncatingIfNeeded: $0 * step) }).write(
                            to: place.appending(path: name))
                    }
                }
            }
            var random = SplitMix64(UInt64(number))
            let files = try FileManager.default.contentsOfDirectory(atPath: store.url(ofStep: 2).path).sorted()
            let name = files[random.next(below: files.count)]
            let file = store.url(ofStep: 2).appending(path: name)
            var bytes = try Data(contentsOf: file)
            let place = random.next(below: bytes.count)
            switch number % 3 {
            case 0: bytes[place] ^= 1 << UInt8(random.next(below: 8))
            case 1: bytes = bytes.prefix(place)
            default: bytes.append(contentsOf: bytes.prefix(1 + place))
            }
            try bytes.write(to: file)
            var notes: [String] = []
            #expect(store.newest { notes.append($0) } == 1)
            #expect(notes.count == 1 && notes[0].hasPrefix("checkpoint-00000002: "), "\(notes)")
            #expect(notes[0].contains(name == "manifest.json" ? "" : "\(name) differs from the manifest"), "\(notes)")
            #expect(notes[0].hasSuffix("; going on from checkpoint-00000001"), "\(notes)")
        }
    }

    @Test("What is replaced is whole under its name or aside, wherever the process was killed")
    func replaced() throws {
        try TestSupport.withTemporaryDirectory { directory in
            let final = directory.appending(path: "final")
            for text in ["first", "second"] {
                try AtomicDirectory.write(to: final) { try Data(text.utf8).write(to: $0.appending(path: "weights")) }
                #expect(try String(contentsOf: final.appending(path: "weights"), encoding: .utf8) == text)
            }
            try FileManager.default.moveItem(at: final, to: directory.appending(path: ".final.replaced"))
            AtomicDirectory.recover(in: directory)
            try Manifest.verify(final)
            #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path) == ["final"])
        }
    }

    @Test("A manifest cannot make its reader leave the directory, or take one that names nothing for whole")
    func manifest() throws {
        try TestSupport.withTemporaryDirectory { directory in
            for text in [
                #"{"files": {}}"#, #"{"files": {"../secret": {"size": 1, "crc32": 0}}}"#,
                #"{"files": {"/dev/zero": {"size": 0, "crc32": 0}}}"#, "{", "",
            ] {
                try Data(text.utf8).write(to: directory.appending(path: "manifest.json"))
                #expect(throws: ManifestError.self) { try Manifest.verify(directory) }
            }
        }
    }

    /// Has the helper write checkpoints until it is killed; returns those it finished, and its places if it came through.
    @discardableResult
    private func write(_ stage: URL, _ steps: ClosedRange<Int>, end: Int) throws -> (steps: [Int], places: Int?) {
        let result = try Job(
            TestSupport.product("checkpoint-writer"),
            [stage.path, "\(steps.lowerBound)", "\(steps.upperBound)", "\(end)"], environment: ["OMP_NUM_THREADS": "1"]
        ).run()
        #expect(result.status == (end == .max ? 0 : 128 + SIGKILL), "\(result.errors)")
        let lines = result.output.split(separator: "\n")
        return (lines.compactMap { Int($0) }, lines.last.flatMap { Int($0.dropFirst("places ".count)) })
    }

    private func expectWhole(_ stage: URL, _ step: Int) throws {
        let directory = CheckpointStore(stage).url(ofStep: step)
        for name in ["model.safetensors", "critic/model.safetensors"] {
            let weights = try SafetensorsFile(directory.appending(path: name)).tensor("weights").floats()
            #expect(weights.allSatisfy { $0 == Float(step) })
        }
    }
}

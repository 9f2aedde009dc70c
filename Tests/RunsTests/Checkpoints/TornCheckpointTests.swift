import Foundation
import PreferenceData
import Runs
import Stages
import TestSupport
import Testing
import Torch
import Training

@Suite("Checkpoints that cannot be torn")
struct TornCheckpointTests {
    private static let trials = TestSupport.runsLongTests ? 500 : 50

    @Test("Processes killed at random places of their writing leave a whole checkpoint: the one before, or their own")
    func killed() throws {
        try TestSupport.withTemporaryDirectory { directory in
            let first = directory.appending(path: "0")
            try write(directory, 1...1, ends: [.max])
            let trials = directory.appending(path: "trials")
            for trial in 0...Self.trials {
                let stage = trials.appending(path: "\(trial)")
                try FileManager.default.createDirectory(at: trials, withIntermediateDirectories: true)
                try FileManager.default.copyItem(at: first, to: stage)
            }
            let places = try #require(try write(trials, 2...3, ends: [.max])[0]?.places)
            #expect(places > 2 * 2 * (4 << 15))
            try FileManager.default.removeItem(at: trials.appending(path: "0"))
            try FileManager.default.moveItem(
                at: trials.appending(path: "\(Self.trials)"), to: trials.appending(path: "0"))
            var random = SplitMix64(33)
            let ends = (0..<Self.trials).map { _ in random.next(below: places) }
            let written = try write(trials, 2...3, ends: ends)
            for (trial, end) in ends.enumerated() {
                try check(trials.appending(path: "\(trial)"), killedAt: end, written[trial] ?? Written())
            }
        }
    }

    private func check(_ stage: URL, killedAt end: Int, _ written: Written) throws {
        #expect(written.places == nil, "place \(end) came after the end")
        AtomicDirectory.recover(in: stage)
        let store = CheckpointStore(stage, limit: 1)
        let newest = try #require(store.newest(), "killed at \(end): no checkpoint is left")
        #expect(newest >= written.steps.last ?? 1, "killed at \(end): a finished checkpoint is lost")
        let directory = store.url(ofStep: newest)
        for name in ["model.safetensors", "critic/model.safetensors"] {
            let weights = try SafetensorsFile(directory.appending(path: name)).tensor("weights").floats()
            #expect(weights.allSatisfy { $0 == Float(newest) }, "killed at \(end)")
        }
        #expect(try names(in: stage).allSatisfy { $0.hasPrefix("checkpoint-") }, "killed at \(end)")
        // And it goes on from there.
        try store.write(step: 4) { try Data("weights".utf8).write(to: $0.appending(path: "weights")) }
        #expect(try names(in: stage) == ["checkpoint-00000004"], "killed at \(end)")
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
            #expect(name == "manifest.json" || notes[0].contains("\(name) differs from the manifest"), "\(notes)")
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

    /// What a process has told.
    private struct Written {
        var steps: [Int] = []
        /// All places of its writing, if it came to its end.
        var places: Int?
    }

    /// Has processes write checkpoints below `directory` until they are killed.
    @discardableResult
    private func write(_ directory: URL, _ steps: ClosedRange<Int>, ends: [Int]) throws -> [Int: Written] {
        let result = try Job(
            TestSupport.product("checkpoint-writer"),
            [directory.path, "\(steps.lowerBound)", "\(steps.upperBound)"] + ends.map(String.init),
            environment: ["OMP_NUM_THREADS": "1"]
        ).run()
        #expect(result.status == 0, "\(result.errors)")
        return try result.output.split(separator: "\n").reduce(into: [:]) { written, line in
            let words = line.split(separator: " ")
            let (number, value) = try (#require(Int(words[0])), #require(Int(words[2])))
            if words[1] == "step" {
                written[number, default: Written()].steps.append(value)
            } else {
                written[number, default: Written()].places = value
            }
        }
    }

    private func names(in stage: URL) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: stage.path)
    }
}

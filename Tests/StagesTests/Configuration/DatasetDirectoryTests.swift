import Configuration
import Foundation
import PreferenceData
import Runs
import Stages
import TestSupport
import Testing

@Suite("Directories under dataset")
struct DatasetDirectoryTests {
    /// A run of dpo on pairs of a directory that has the splits train and test, and on its held-out ones.
    private func withRun(_ keys: String, _ body: (RunConfiguration, String) throws -> Void) throws {
        try TestSupport.withTemporaryDirectory { directory in
            let model = directory.appending(path: "model")
            let data = directory.appending(path: "set/data")
            for folder in [model, data] {
                try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            }
            try Data("{}".utf8).write(to: model.appending(path: "config.json"))
            for split in ["train", "test"] {
                let row = #"{"prompt": "p", "chosen": "\#(split)", "rejected": "r"}"#
                try Data(row.utf8).write(to: data.appending(path: "\(split)-00000-of-00001.jsonl"))
            }
            let set = directory.appending(path: "set").path
            let yaml = """
                output_dir: \(directory.path)/out
                model_name_or_path: \(model.path)
                random_init: true
                dataset: {train: \(set), eval: \(set)\(keys)}
                stages: [dpo]
                """
            try body(RunConfiguration(yaml: yaml, name: "r.yaml"), set)
        }
    }

    @Test func `Keys choose the split of what is trained on, and of what is held out`() throws {
        try withRun(", train_split: train, eval_split: test") { run, set in
            try run.checkFiles()
            let files = RunFiles(RunPlan(run))
            let train = "\(set)/data/train-00000-of-00001.jsonl"
            #expect(try files.data([.dataset(.train)]).map(\.path) == [train])
            #expect(try files.data([.dataset(.eval)]).map(\.path) == ["\(set)/data/test-00000-of-00001.jsonl"])
            // Which of its splits a stage means that names it is not known.
            #expect(throws: DataError.self) { try files.data([.path(set)]) }
            let inputs = try RunInput.all(of: RunPlan(run), after: nil)
            #expect(inputs.first { $0.key == "dataset.train" }?.files.map(\.path) == [train])
        }
    }

    @Test func `Without them, the key that chooses is told with the splits`() throws {
        for (keys, clue) in [
            (
                "",
                "dataset.train: .*/set: it has several splits, test, train; name one in dataset.train_split, or the files"
            ),
            (", train_split: train", "dataset.eval: .*several splits, test, train; name one in dataset.eval_split"),
            (
                ", train_split: training",
                "dataset.train: .*/set: it has no split 'training'; its splits are test, train"
            ),
            (
                ", train_split: train, eval_split: test, config: main",
                "dataset.train: .*/set: it has no configuration 'main'; it names none"
            ),
        ] {
            try withRun(keys) { run, _ in
                var text = ""
                do { try run.checkFiles() } catch { text = "\(error)" }
                let regex = try Regex(clue)
                #expect(text.contains(regex), "\(keys): \(text)")
                #expect(!text.contains("\n"))
            }
        }
    }

    @Test func `A directory that a stage names itself is read by the run's split only where it has that`() throws {
        try withRun(", train_split: train") { run, set in
            let one = URL(filePath: set).appending(path: "other")
            try FileManager.default.createDirectory(at: one, withIntermediateDirectories: true)
            let file = one.appending(path: "rows.jsonl")
            try Data("{}".utf8).write(to: file)
            #expect(try RunFiles(RunPlan(run)).data([.path(one.path)]).map(\.path) == [file.path])
        }
    }

    @Test func `Keys that choose of a directory are refused where files alone are named, or nothing`() throws {
        try withRun("") { run, set in
            let file = "\(set)/data/train-00000-of-00001.jsonl"
            func problem(_ change: (inout DatasetOptions) -> Void) -> String {
                var run = run
                (run.dataset.train, run.dataset.eval) = ([file], [])
                change(&run.dataset)
                do { try run.checkFiles() } catch { return "\(error)" }
                return ""
            }
            #expect(problem { _ in } == "")
            #expect(
                problem { $0.trainSplit = "train" }.hasSuffix(
                    "dataset.train_split: chooses a split of a directory, and dataset.train names files alone; take it out, or "
                        + "name the directory"))
            #expect(
                problem { $0.evalSplit = "test" }.contains("dataset.eval_split: chooses a split of a directory, and"))
            #expect(problem { $0.evalSplit = "test" }.contains("dataset.eval names nothing"))
            #expect(
                problem { $0.config = "main" }.contains("dataset.config: chooses a configuration of a directory, and"))
            #expect(problem { ($0.train, $0.trainSplit) = ([file, set], "train") } == "")
        }
    }
}

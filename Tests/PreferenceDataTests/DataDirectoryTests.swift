import Foundation
import PreferenceData
import TestSupport
import Testing

@Suite("Directories of data")
struct DataDirectoryTests {
    /// The files of a directory that holds `names`, of which a choice is read, or the error.
    private func files(
        _ names: [String], _ choice: DataDirectory.Choice = .init(), readme: String? = nil, infos: String? = nil
    ) throws -> [String] {
        try TestSupport.withTemporaryDirectory { directory in
            for name in names {
                let file = directory.appending(path: name)
                try FileManager.default.createDirectory(
                    at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
                try Data(#"{"prompt": "p"}"#.utf8).write(to: file)
            }
            if let infos { try Data(infos.utf8).write(to: directory.appending(path: "dataset_infos.json")) }
            if let readme { try Data(readme.utf8).write(to: directory.appending(path: "README.md")) }
            do {
                let prefix = directory.path + "/"
                return try DataDirectory(directory).files(choice).map { String($0.path.dropFirst(prefix.count)) }
            } catch {
                let text = "\(error)"
                #expect(text.hasPrefix(directory.path) && !text.contains("\n"), "\(text)")
                return [text]
            }
        }
    }

    private func choice(_ split: String? = nil, configuration: String? = nil) -> DataDirectory.Choice {
        .init(
            configuration: configuration, split: split,
            keys: (configuration: "dataset.config", split: "dataset.train_split"))
    }

    private static let hub = [
        "data/train_prefs-00000-of-00002.parquet", "data/train_prefs-00001-of-00002.parquet",
        "data/test_prefs-00000-of-00001.parquet", "README.md", ".gitattributes", "dataset_infos.json",
    ]

    @Test func `A split of the hub's files is chosen by its name, and none is chosen for the user`() throws {
        #expect(try files(Self.hub, choice("train_prefs")) == Array(Self.hub[..<2]))
        #expect(try files(Self.hub, choice("test_prefs")) == [Self.hub[2]])
        let none = try files(Self.hub, choice())[0]
        #expect(
            none.hasSuffix(
                "it has several splits, test_prefs, train_prefs; name one in dataset.train_split, or the files that are meant"
            ))
        #expect(try files(Self.hub)[0].hasSuffix("test_prefs, train_prefs; name the files that are meant"))
        let other = try files(Self.hub, choice("train"))[0]
        #expect(
            other.hasSuffix("it has no split 'train'; its splits are test_prefs, train_prefs, one of which is read"))
        #expect(
            try files(["a.jsonl"], choice("train"))[0].contains("its files name none: leave dataset.train_split out"))
    }

    @Test func `Held-out files are not read with others because of a name that says less`() throws {
        #expect(
            try files(["pairs.jsonl", "test.jsonl"])[0].contains("it has several splits, test besides pairs.jsonl"))
        #expect(try files(["pairs.jsonl", "train.jsonl"]) == ["pairs.jsonl", "train.jsonl"])
        let parts = ["train", "test"].flatMap { split in (0..<2).map { "\(split)/part-0000\($0)-of-00002.parquet" } }
        #expect(try files(parts)[0].contains("it has several splits, test, train;"))
        #expect(try files(parts, choice("test")) == Array(parts[2...]))
        #expect(try files(Array(parts[1...]), choice("train"))[0].contains("1 of 2 files like train/part-00001"))
        #expect(try files(["train-a.jsonl", "train-b.json"])[0].contains("which may hold the same rows"))
        #expect(try files(["train-a.jsonl", "about.json"]) == ["train-a.jsonl"])
    }

    @Test func `A link to a directory is that directory`() throws {
        try TestSupport.withTemporaryDirectory { directory in
            let target = directory.appending(path: "target")
            try FileManager.default.createDirectory(at: target, withIntermediateDirectories: true)
            try Data("{}".utf8).write(to: target.appending(path: "a.jsonl"))
            let link = directory.appending(path: "link")
            try FileManager.default.createSymbolicLink(at: link, withDestinationURL: target)
            #expect(try DataDirectory(link).files().map(\.path) == [link.appending(path: "a.jsonl").path])
        }
    }

    @Test func `A split whose files are not all there is refused`() throws {
        let text = try files(Array(Self.hub[1...]), choice("train_prefs"))[0]
        #expect(
            text.contains(
                "1 of 2 files like data/train_prefs-00001-of-00002.parquet are there; download the others too"))
    }

    @Test(
        "Splits are told by words in names of files and folders",
        arguments: [
            (["train.jsonl", "test.jsonl"], "train", ["train.jsonl"]),
            (["train-1.jsonl", "train-2.JSONL", "dev.jsonl"], "train", ["train-1.jsonl", "train-2.JSONL"]),
            (["my_valid.csv", "training.csv"], "validation", ["my_valid.csv"]),
            (
                ["train/a.parquet", "test/a.parquet", "train/b.parquet"], "train",
                ["train/a.parquet", "train/b.parquet"]
            ),
            (
                ["sft/data-00000-of-00001.arrow", "sft/state.json", "dpo/data-00000-of-00001.arrow"], "dpo",
                ["dpo/data-00000-of-00001.arrow"]
            ),
            (["default/train/0000.parquet", "default/test/0000.parquet"], "test", ["default/test/0000.parquet"]),
        ])
    func words(names: [String], split: String, expected: [String]) throws {
        #expect(try files(names, choice(split)) == expected)
        #expect(try files(names)[0].contains("it has several splits, "))
    }

    @Test(
        "A directory of one dataset is its files by name",
        arguments: [
            (["b.jsonl", "a.jsonl.gz", "notes.txt", "c.ndjson.zst"], ["a.jsonl.gz", "b.jsonl", "c.ndjson.zst"]),
            (["train-1.jsonl", "train-2.jsonl", "dataset_info.json"], ["train-1.jsonl", "train-2.jsonl"]),
            (["train.jsonl", "more.jsonl"], ["more.jsonl", "train.jsonl"]),
            (["a.json", "b.json"], ["a.json", "b.json"]), (["a.jsonl", "about.json"], ["a.jsonl"]),
            (
                ["data-00000-of-00001.arrow", "state.json", "dataset_info.json", "cache-1f.arrow"],
                ["data-00000-of-00001.arrow"]
            ),
            (["data/x.parquet", ".cache/y.parquet", "x.txt"], ["data/x.parquet"]),
        ])
    func one(names: [String], expected: [String]) throws {
        #expect(try files(names) == expected)
    }

    @Test func `Files of several kinds, or of one that is not read, are refused`() throws {
        #expect(
            try files(["a.jsonl", "a.parquet"])[0].hasSuffix(
                "a directory with a.jsonl and a.parquet, which may hold the same rows; name the files that are meant"))
        #expect(try files(["a.jsonl", "b.jsonl.bz2"])[0].contains("of which one is not read"))
        #expect(try files(["x.txt"])[0].contains("a directory without data files; it has x.txt; name a directory"))
        #expect(
            try files(["train.jsonl", "test.jsonl", "x.jsonl"])[0].contains(
                "several splits, test, train besides x.jsonl;"))
    }

    @Test func `Folders are configurations, of which one is named`() throws {
        let names = [
            "main/train-00000-of-00001.parquet", "main/test-00000-of-00001.parquet",
            "socratic/train-00000-of-00001.parquet",
        ]
        #expect(try files(names, choice("train", configuration: "main")) == [names[0]])
        #expect(try files(names, choice(configuration: "socratic")) == [names[2]])
        #expect(
            try files(names, choice("train"))[0].hasSuffix(
                "it has several configurations, main, socratic; name one in dataset.config"))
        #expect(
            try files(names, choice("train", configuration: "mine"))[0].contains(
                "it has no configuration 'mine'; its configurations are main, socratic"))
    }

    @Test func `README.md says what the configurations and splits are`() throws {
        let readme = """
            ---
            license: mit
            configs:
            - config_name: default
              data_files:
              - split: train
                path: data/train-*
              - split: extra
                path: ["more/**/*.parquet", "one.parquet"]
            - config_name: raw
              data_dir: raw
              data_files: "*.parquet"
            ---
            # Data
            """
        let names = [
            "data/train-a.parquet", "more/a/b/x.parquet", "more/y.parquet", "one.parquet", "raw/x.parquet",
            "loose.parquet",
        ]
        #expect(try files(names, choice("train"), readme: readme) == [names[0]])
        #expect(try files(names, choice("extra"), readme: readme) == Array(names[1...3]))
        #expect(try files(names, choice(configuration: "raw"), readme: readme) == [names[4]])
        #expect(try files(names, choice(), readme: readme)[0].contains("it has several splits, train, extra;"))
        // Of what was not downloaded nothing is known.
        #expect(try files([names[0]], readme: readme) == [names[0]])
        #expect(
            try files(names, readme: "---\na: [\n---\n")[0].contains("README.md: what it says of the data is no YAML"))
        #expect(try files(["a.jsonl"], readme: "# Data\n") == ["a.jsonl"])
    }

    private static let infos = #"{"default": {"splits": {"train": {}, "train_sft": {"num_examples": 1}, "test": {}}}}"#

    @Test(
        "Names of splits without files, in dataset_infos.json or README.md, are those that names of files begin with",
        arguments: [
            (nil, infos),
            (
                """
                ---
                dataset_info:
                  config_name: default
                  splits:
                  - name: train
                    num_examples: 1
                  - name: train_sft
                  - name: test
                ---
                """, nil
            ),
        ] as [(String?, String?)])
    func splitNames(readme: String?, infos: String?) throws {
        let names = ["a/test/x.jsonl", "train-1.jsonl", "train.jsonl", "train_sft.jsonl"]
        func read(_ split: String?, _ names: [String]) throws -> [String] {
            try files(names, choice(split), readme: readme, infos: infos)
        }
        #expect(try read("train", names) == Array(names[1...2]) && read("train_sft", names) == [names[3]])
        #expect(try read("test", names) == [names[0]])
        #expect(try read(nil, names)[0].contains("it has several splits, train, train_sft, test; name one in"))
        let shards = ["data/train-00000-of-00001.parquet", "data/train_new-00000-of-00001.parquet"]
        #expect(try read("train", shards) == [shards[0]])
        // A file that is named otherwise leaves all to names.
        #expect(try read("train", names + ["training.jsonl"]) == Array(names[1...]) + ["training.jsonl"])
    }

    @Test func `Configurations of dataset_infos.json are folders, and what is no JSON is refused`() throws {
        let infos = #"{"main": {"splits": {"train": {}}}, "extra": {"splits": {"train": {}, "dev_x": {}}}, "none": {}}"#
        let names = ["extra/dev_x.jsonl", "extra/train.jsonl", "main/train.jsonl"]
        #expect(try files(names, choice(configuration: "main"), infos: infos) == [names[2]])
        #expect(try files(names, choice("dev_x", configuration: "extra"), infos: infos) == [names[0]])
        #expect(try files(names, infos: infos)[0].contains("it has several configurations, main, extra;"))
        #expect(
            try files(["a.jsonl"], infos: "{")[0].contains("dataset_infos.json: what it says of the data is no JSON"))
        #expect(try files(["a.jsonl"], infos: "{}") == ["a.jsonl"])
    }

    @Test func `A list of a held-out file and one to train on is read, and remarked on`() throws {
        try TestSupport.withTemporaryDirectory { directory in
            let files = ["train.jsonl", "test.jsonl"].map { directory.appending(path: $0) }
            for file in files { try Data(#"{"prompt": "p"}"#.utf8).write(to: file) }
            let read = try Dataset<Prompt>(reading: files)
            #expect(read.records.count == 2 && read.remarks.texts.contains { $0.contains("is read as one with") })
            #expect(
                message { _ = try Dataset<Prompt>(reading: [directory]) }.contains(
                    "it has several splits, test, train;"))
        }
    }
}

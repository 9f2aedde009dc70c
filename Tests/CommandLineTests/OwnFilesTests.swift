import Foundation
import TestSupport
import Testing

@Suite("What a run and a command leave alone", .serialized)
struct OwnFilesTests {
    @Test("A directory that holds no run, but files of a run's names, is refused before anything is written")
    func strangers() throws {
        try Workspace.with { workspace in
            try workspace.configure(stages: "[sft]", "sft: {max_steps: 1, train_batch_size: 2}")
            let files = [
                "config.yaml", "config.resolved.yaml", "metrics.jsonl", "tensorboard/run/events", "stages/notes.txt",
                "stages/01-sft/final/model.safetensors",
            ]
            for (number, file) in files.enumerated() {
                let output = "out\(number)"
                let url = workspace.directory.appending(path: "\(output)/\(file)")
                try FileManager.default.createDirectory(
                    at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
                try workspace.write("mine", to: "\(output)/\(file)")
                let before = try FileManager.default.subpathsOfDirectory(
                    atPath: "\(workspace.directory.path)/\(output)")
                let result = try workspace.mpo("train", "run.yaml", "--set", "output_dir=\(output)", status: 2)
                #expect(result.errors.contains("\(output)/\(file.split(separator: "/")[0]): is there already"))
                #expect(result.errors.split(separator: "\n").count == 1)
                #expect(try workspace.read("\(output)/\(file)") == "mine")
                let after = try FileManager.default.subpathsOfDirectory(atPath: "\(workspace.directory.path)/\(output)")
                #expect(Set(after) == Set(before))
            }
            // Other names are no matter, and neither is what a start leaves that was cut short.
            for directory in ["out/stages/01-sft", "out/tensorboard"] {
                try FileManager.default.createDirectory(
                    at: workspace.directory.appending(path: directory), withIntermediateDirectories: true)
            }
            try workspace.write("mine", to: "out/notes.txt")
            try workspace.mpo("train", "run.yaml")
            #expect(try workspace.read("out/notes.txt") == "mine")
        }
    }

    @Test("A configuration that lies in its own output_dir stays as it is, through resumes, too")
    func ownConfiguration() throws {
        try Workspace.with { workspace in
            try workspace.configure(stages: "[sft]", "sft: {max_steps: 1, train_batch_size: 2}   # to be raised")
            let own = try workspace.read("run.yaml")
            try FileManager.default.createDirectory(
                at: workspace.directory.appending(path: "out"), withIntermediateDirectories: true)
            try workspace.write(own, to: "out/config.yaml")
            try workspace.mpo("train", "out/config.yaml")
            #expect(try workspace.read("out/config.yaml") == own)
            #expect(try workspace.read("out/config.resolved.yaml").contains("\nstages: [sft]\n"))
            let change = ["--resume", "--allow-config-change", "--set", "logging_steps=7"]
            for file in ["out/config.yaml", "run.yaml"] {
                _ = try workspace.mpo(["train", file] + change, status: 0)
                #expect(try workspace.read("out/config.yaml") == own)
                #expect(try workspace.read("out/config.resolved.yaml").contains("logging_steps: 7"))
            }
        }
    }

    @Test("What a run has resolved may be given to resume it; with other overrides it is not written over")
    func resolvedConfiguration() throws {
        try Workspace.with { workspace in
            try workspace.configure(stages: "[sft]", "sft: {max_steps: 1, train_batch_size: 2}")
            try workspace.mpo("train", "run.yaml")
            let resolved = try workspace.read("out/config.yaml")
            try workspace.mpo("train", "out/config.yaml", "--resume")
            #expect(!workspace.has("out/config.resolved.yaml"))
            try workspace.mpo(
                "train", "out/config.yaml", "--resume", "--allow-config-change", "--set", "logging_steps=7")
            #expect(try workspace.read("out/config.yaml") == resolved)
            #expect(try workspace.read("out/config.resolved.yaml").contains("logging_steps: 7"))
        }
    }

    @Test("A trace, a report, scores or responses do not replace what the same command reads")
    func inputs() throws {
        try Workspace.with { workspace in
            try workspace.configure(stages: "[sft]", "sft: {max_steps: 1, train_batch_size: 2}")
            let commands = [
                ["train", "run.yaml", "--trace", "run.yaml"], ["train", "run.yaml", "--trace", "policy/config.json"],
                ["generate", "--model", "policy", "--prompts", "pairs.jsonl", "--output", "pairs.jsonl"],
                ["score", "--model", "policy", "--data", "pairs.jsonl", "--output", "pairs.jsonl"],
                ["bench", "--model", "policy", "--data", "pairs.jsonl", "--only", "sft", "--json", "pairs.jsonl"],
            ]
            for command in commands {
                let file = command[command.count - 1]
                let before = try workspace.read(file)
                let result = try workspace.mpo(command, status: 2)
                #expect(
                    result.lastError.hasSuffix("\(file): is read too, and would be lost; choose another file to write"))
                #expect(try workspace.read(file) == before)
                #expect(!workspace.has("out/run.json"))
            }
            let nowhere = try workspace.mpo("train", "run.yaml", "--trace", "none/trace.json", status: 1)
            #expect(nowhere.lastError == "mpo: none/trace.json: cannot be written: No such file or directory")
            #expect(!workspace.has("out/run.json"))
        }
    }
}

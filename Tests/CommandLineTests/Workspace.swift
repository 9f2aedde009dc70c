import Foundation
import TestSupport

/// A directory with a tiny policy, a reward model, data and a configuration, and `mpo` to run in it.
struct Workspace {
    let directory: URL

    /// The fixtures that Python made for these tests.
    static let fixtures = TestSupport.fixture("commands")

    /// The stages of the whole recipe.
    static let recipe = "[sft, reward, split, dpo, ppo, evaluate]"

    /// Settings of a tokenizer whose chat template cannot be read.
    static let brokenTemplate =
        #"{"bos_token": "<s>", "eos_token": "</s>", "chat_template": "{% for message in messages %}"}"#

    /// Makes a workspace, and removes it after `body`.
    static func with(_ body: (Workspace) throws -> Void) throws {
        try TestSupport.withTemporaryDirectory { directory in
            let workspace = Workspace(directory: directory)
            try workspace.addModel("policy", from: "llama")
            try workspace.addModel("reward-model", from: "reward-llama")
            try workspace.copy(fixtures.appending(path: "pairs.jsonl"), to: "pairs.jsonl")
            try body(workspace)
        }
    }

    /// A model fixture with the tokenizer of ASCII letters beside it.
    func addModel(_ name: String, from fixture: String) throws {
        try FileManager.default.createDirectory(at: directory.appending(path: name), withIntermediateDirectories: true)
        let model = TestSupport.fixture("models/\(fixture)")
        for file in ["config.json", "model.safetensors"] {
            try copy(model.appending(path: file), to: "\(name)/\(file)")
        }
        for file in ["tokenizer.json", "tokenizer_config.json"] {
            try copy(Self.fixtures.appending(path: file), to: "\(name)/\(file)")
        }
    }

    private func copy(_ source: URL, to name: String) throws {
        try Data(contentsOf: source).write(to: directory.appending(path: name))
    }

    /// Writes a file.
    func write(_ text: String, to name: String) throws {
        try Data(text.utf8).write(to: directory.appending(path: name))
    }

    /// The text of a file.
    func read(_ name: String) throws -> String {
        String(decoding: try Data(contentsOf: directory.appending(path: name)), as: UTF8.self)
    }

    /// Whether there is such a file or directory.
    func has(_ name: String) -> Bool {
        FileManager.default.fileExists(atPath: directory.appending(path: name).path)
    }

    /// Writes `run.yaml`: small batches on the tiny policy, with `more` lines behind.
    func configure(stages: String = recipe, data: String = "pairs.jsonl", _ more: String = "") throws {
        try write(
            """
            output_dir: out
            model_name_or_path: policy
            dataset: {train: \(data), eval: pairs.jsonl, max_length: 64, max_prompt_length: 40}
            stages: \(stages)
            \(more)

            """, to: "run.yaml")
    }

    /// Runs `mpo` alone, or on so many ranks under `mpirun`, whose notices are left out.
    @discardableResult
    func mpo(_ arguments: String..., ranks: Int? = nil, status: Int32 = 0) throws -> Job.Result {
        try mpo(arguments, ranks: ranks, status: status)
    }

    /// Runs `mpo` with a list of arguments.
    @discardableResult
    func mpo(_ arguments: [String], ranks: Int? = nil, status: Int32 = 0) throws -> Job.Result {
        let program = TestSupport.product("mpo")
        let job =
            if let ranks {
                try Job.mpirun(
                    ranks: ranks, program, arguments, environment: Self.environment, directory: directory,
                    timeLimit: 180)
            } else {
                Job(program, arguments, environment: Self.environment, directory: directory, timeLimit: 180)
            }
        let result = try job.run()
        guard result.status == status, !result.timedOut else {
            throw UnexpectedEnd(arguments: arguments, ranks: ranks, result: result)
        }
        return result
    }

    /// Runs `mpo` with a text as its standard input.
    func mpo(_ arguments: String..., input: String, status: Int32 = 0) throws -> Job.Result {
        try write(input, to: "input.txt")
        let words = ["-c", "\"$0\" \"$@\" < input.txt", TestSupport.product("mpo").path] + arguments
        let job = Job(
            URL(filePath: "/bin/sh"), words, environment: Self.environment, directory: directory, timeLimit: 180)
        let result = try job.run()
        guard result.status == status, !result.timedOut else {
            throw UnexpectedEnd(arguments: arguments, ranks: nil, result: result)
        }
        return result
    }

    private static let environment = ["OMP_NUM_THREADS": "1", "MPO_PROGRESS": "plain", "COLUMNS": "100"]
}

/// A command that did not end as it should.
struct UnexpectedEnd: Error, CustomStringConvertible {
    let arguments: [String]
    let ranks: Int?
    let result: Job.Result

    var description: String {
        "mpo \(arguments.joined(separator: " ")) on \(ranks.map(String.init) ?? "no") ranks ended with status "
            + "\(result.status) after \(result.seconds) s: \(result.output)\n\(result.errors)"
    }
}

extension Job.Result {
    /// The last line of standard error that says something.
    var lastError: String {
        errors.split(separator: "\n").map(String.init).last { !$0.allSatisfy(\.isWhitespace) } ?? ""
    }

    /// The lines of standard output.
    var lines: [String] { output.split(separator: "\n").map(String.init) }

    /// The cells of the rows of a printed table that begin with `name`.
    func rows(_ name: String) -> [[String]] {
        lines.map { $0.split(separator: " ").map(String.init) }.filter { $0.first == name }
    }
}

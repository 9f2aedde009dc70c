import Foundation
import TestSupport
import Testing

@Suite("Who may write into a run directory", .serialized, .enabled(if: RunWorkspace.hasNeeds, RunWorkspace.needs))
struct OwnershipTests {
    private static let long = """
        dataset: {train: train.jsonl, max_length: 192, max_prompt_length: 128, truncation_mode: drop_turns}
        save_steps: 1
        stages: [sft]
        sft: {max_steps: 2000, train_batch_size: 2}
        """

    private func withWorkspace(_ body: (RunWorkspace) throws -> Void) throws {
        try RunWorkspace.with { workspace in
            try workspace.addPairs(train: 16, eval: 1)
            try workspace.configure(Self.long)
            try body(workspace)
        }
    }

    private func waitFor(_ path: String, _ workspace: RunWorkspace) {
        let deadline = Date(timeIntervalSinceNow: 60)
        while !workspace.has(path), Date() < deadline { usleep(10_000) }
        #expect(workspace.has(path))
    }

    @Test("A second job is refused with the owner's name; broken, the lock ends the first", arguments: [1, 3])
    func secondJob(ranks: Int) throws {
        try withWorkspace { workspace in
            let first = try workspace.job(ranks: ranks, ["sft.max_steps=20000"], timeLimit: 250).run { _ in
                waitFor("out/stages/01-sft/checkpoint-00000001", workspace)
                for resume in [false, true] {
                    let second = try workspace.train(
                        ranks: ranks, resume: resume, status: 2, ["sft.max_steps=20000"])
                    #expect(second.errors.contains("out: in use by process "))
                    #expect(second.errors.contains("with --break-lock"))
                }
                // What the first leaves is what the third goes on from; a finished stage is soon reached.
                let third = try workspace.job(
                    ranks: ranks, resume: true, ["sft.max_steps=20000"], flags: ["--break-lock"], timeLimit: 25
                ).run()
                #expect(third.errors.contains("is broken as asked, taken over"), "\(third.errors)")
                #expect(third.timedOut, "\(third.errors)")
            }
            #expect(!first.timedOut)
            #expect(first.status == 1)
            #expect(first.errors.contains("taken over by process "))
            #expect(first.errors.contains("this job ends, so that only one writes there"))
        }
    }

    @Test("Of two jobs that start at once exactly one runs")
    func race() throws {
        try withWorkspace { workspace in
            var second: Job.Result?
            let first = try workspace.job(ranks: 1, ["sft.max_steps=5"], timeLimit: 100).run { _ in
                second = try workspace.job(ranks: 1, ["sft.max_steps=5"], timeLimit: 100).run()
            }
            #expect(Set([first.status, second?.status]) == [0, 2])
            #expect(try workspace.metrics().count == 5)
            #expect(!workspace.has("out/run.lock"))
        }
    }

    @Test("A lock that a killed job has left is taken over, and every end that mpo sees removes it")
    func left() throws {
        try withWorkspace { workspace in
            _ = try workspace.job(ranks: 1, [], timeLimit: 100).run { process in
                waitFor("out/stages/01-sft/checkpoint-00000001", workspace)
                kill(process, SIGKILL)
            }
            #expect(workspace.has("out/run.lock"))
            try FileManager.default.removeItem(at: workspace.url("out/stages/01-sft"))
            let resumed = try workspace.train(
                resume: true, ["sft.max_steps=2"], flags: ["--allow-config-change"])
            #expect(resumed.errors.contains("is stale, taken over"))
            #expect(!workspace.has("out/run.lock"))
        }
    }

    @Test("A directory that cannot be written is the user's mistake")
    func unwritable() throws {
        try withWorkspace { workspace in
            try workspace.write("", to: "file")
            let result = try workspace.train(status: 2, ["output_dir=file/out"])
            #expect(result.errors.contains("file/out: cannot be written: "))
            #expect(result.errors.contains("choose another output_dir"))
        }
    }
}

@Suite(
    "Ranks that do not fit together end a start", .serialized, .enabled(if: RunWorkspace.hasNeeds, RunWorkspace.needs))
struct HandshakeTests {
    private static let stages = """
        dataset: {train: train.jsonl, max_length: 192, max_prompt_length: 128, truncation_mode: drop_turns}
        stages: [sft]
        sft: {max_steps: 1, train_batch_size: 2}
        """

    /// Two ranks; the second in a directory of its own or with a program of its own.
    private func start(
        _ workspace: RunWorkspace, second directory: URL, program: URL = TestSupport.product("mpo"),
        output: String = "out"
    ) throws -> Job.Result {
        let mpirun = try #require(TestSupport.mpirun)
        let common = TestSupport.quietly + ["--oversubscribe"] + (getuid() == 0 ? ["--allow-run-as-root"] : [])
        func part(_ directory: URL, _ program: URL) -> [String] {
            ["-n", "1", "-wdir", directory.path, program.path, "train", "run.yaml", "--set", "output_dir=\(output)"]
        }
        return try Job(
            mpirun,
            common + part(workspace.directory, TestSupport.product("mpo")) + [":"] + part(directory, program),
            environment: ["OMP_NUM_THREADS": "1", "MPO_PROGRESS": "plain"], timeLimit: 100
        ).run()
    }

    private func withWorkspaces(_ body: (RunWorkspace, RunWorkspace) throws -> Void) throws {
        try RunWorkspace.with { first in
            try first.addPairs(train: 16, eval: 1)
            try first.configure(Self.stages)
            try RunWorkspace.with { second in
                try Data(contentsOf: first.url("train.jsonl")).write(to: second.url("train.jsonl"))
                try body(first, second)
            }
        }
    }

    private func expectEnd(_ result: Job.Result, _ words: String, _ workspace: RunWorkspace) {
        #expect(result.status == 2)
        #expect(!result.timedOut)
        #expect(result.errors.contains("mpo: rank 1 on "), "\(result.errors)")
        #expect(result.errors.contains(words), "\(result.errors)")
        #expect(!workspace.has("out/run.lock"))
        #expect(!workspace.has("out/run.json"))
    }

    @Test("Other data is named with rank and host; the same data elsewhere is fine")
    func data() throws {
        try withWorkspaces { first, second in
            let output = first.url("out").path
            var bytes = try second.data("train.jsonl")
            bytes[bytes.count - 5] ^= 1
            try bytes.write(to: second.url("train.jsonl"))
            expectEnd(
                try start(first, second: second.directory, output: output),
                "sees another train.jsonl than rank 0 does", first)
            try FileManager.default.removeItem(at: second.url("train.jsonl"))
            expectEnd(
                try start(first, second: second.directory, output: output), "cannot read train.jsonl", first)
            try first.data("train.jsonl").write(to: second.url("train.jsonl"))
            #expect(try start(first, second: second.directory, output: output).status == 0)
        }
    }

    @Test("A rank that does not see the run directory is named, after a while")
    func directory() throws {
        try withWorkspaces { first, second in
            let result = try start(first, second: second.directory)
            expectEnd(result, "put output_dir on a file system that all hosts share", first)
            #expect(result.seconds > 10)
        }
    }

    @Test("A rank that sees the run directory late is waited for")
    func late() throws {
        try withWorkspaces { first, second in
            let link = second.url("out")
            let target = first.url("out")
            DispatchQueue.global().asyncAfter(deadline: .now() + 5) {
                try? FileManager.default.createSymbolicLink(at: link, withDestinationURL: target)
            }
            let result = try start(first, second: second.directory)
            #expect(result.status == 0)
        }
    }

    @Test("Another build is named with rank and host")
    func build() throws {
        try withWorkspaces { first, _ in
            let other = first.url("mpo")
            var program = try Data(contentsOf: TestSupport.product("mpo"))
            program.append(0)
            try program.write(to: other)
            try TestSupport.makeExecutable(other)
            expectEnd(
                try start(first, second: first.directory, program: other), "put the same mpo on all hosts", first)
        }
    }
}

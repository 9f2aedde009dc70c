import Commands
import Foundation
import Runs
import Stages
import TestSupport
import Testing
import Training

@Suite("Runs whose disk fails", .serialized, .enabled(if: RunWorkspace.hasNeeds, RunWorkspace.needs))
struct DiskFailureTests {
    private static let stages = """
        dataset: {train: train.jsonl, eval: [], max_length: 96, max_prompt_length: 64, truncation_mode: drop_turns}
        save_steps: 1
        save_total_limit: null
        stages: [dpo]
        dpo: {max_steps: 6, train_batch_size: 4, learning_rate: 1.0e-4}
        sft: {max_steps: 6, train_batch_size: 4}
        """

    /// Whether a process here may mount a disk of its own.
    private static let mounts =
        (try? Job(URL(filePath: "/bin/sh"), ["-c", "unshare -rm mount -t tmpfs tmpfs /mnt"]).run())?.status == 0

    @Test(
        "A full disk ends the run with one line and status 1; the last checkpoint is whole, and the run goes on from it",
        .enabled(if: mounts, "needs a user namespace to mount a small disk in"))
    func full() throws {
        try RunWorkspace.with { workspace in
            try prepare(workspace)
            try workspace.train(["output_dir=whole"])
            // Room for two checkpoints of three megabytes and a half.
            try workspace.write(
                """
                mkdir disk && mount -t tmpfs -o size=10m tmpfs disk || exit 99
                "$1" train run.yaml --set output_dir=disk/out; status=$?
                cp -a disk/out out; ls -A disk/out/stages/01-dpo; exit $status
                """, to: "full.sh")
            let result = try Job(
                URL(filePath: "/bin/sh"),
                ["-c", "exec unshare -rm sh full.sh \"$0\"", TestSupport.product("mpo").path],
                environment: ["OMP_NUM_THREADS": "1", "MPO_PROGRESS": "plain"], directory: workspace.directory,
                timeLimit: 120
            ).run()
            #expect(result.status == 1, "\(result.output) \(result.errors)")
            let line = try #require(result.errors.split(separator: "\n").last)
            #expect(line.contains("cannot be written: No space left on device"), "\(result.errors)")
            #expect(line.contains("stages/01-dpo/checkpoint-0000000"), "\(line)")
            let names = result.output.split(separator: "\n").filter { !$0.hasPrefix("reference-") }
            #expect(!names.isEmpty && names.allSatisfy { $0.hasPrefix("checkpoint-") }, "\(names)")
            let newest = try #require(CheckpointStore(workspace.url("out/stages/01-dpo")).newest())
            #expect(newest == names.count)
            try workspace.train(resume: true)
            #expect(try workspace.weights("out", "01-dpo") == workspace.weights("whole", "01-dpo"))
        }
    }

    @Test(
        "A directory that can no longer be written ends the run with one line and status 1",
        arguments: [("sft", "checkpoint-00000001"), ("dpo", "reference-")])
    func readOnly(type: String, place: String) throws {
        try RunWorkspace.with { workspace in
            try prepare(workspace)
            let stage = workspace.url("out/stages/01-\(type)")
            try FileManager.default.createDirectory(at: stage, withIntermediateDirectories: true)
            try FileManager.default.setAttributes([.posixPermissions: 0o555], ofItemAtPath: stage.path)
            defer { try? FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: stage.path) }
            // Permissions bind root only where it has given up the right to pass over them.
            let drops =
                getuid() == 0 ? ["setpriv", "--bounding-set", "-dac_override", "--inh-caps", "-dac_override"] : []
            let result = try Job(
                URL(filePath: "/usr/bin/env"),
                drops + [TestSupport.product("mpo").path, "train", "run.yaml", "--set", "stages=[\(type)]"],
                environment: ["OMP_NUM_THREADS": "1", "MPO_PROGRESS": "plain"], directory: workspace.directory
            ).run()
            #expect(result.status == 1, "\(result.errors)")
            let line = try #require(result.errors.split(separator: "\n").last)
            #expect(
                line.contains("/out/stages/01-\(type)/\(place)")
                    && line.hasSuffix(": cannot be written: Permission denied"), "\(result.errors)")
        }
    }

    private func prepare(_ workspace: RunWorkspace) throws {
        try workspace.addPairs(train: 16, eval: 1)
        try workspace.configure(Self.stages)
    }
}

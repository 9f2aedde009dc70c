import Foundation
import TestSupport
import Testing

@Suite("mpo train", .serialized)
struct TrainCommandTests {
    @Test("A run leaves a model that other commands read, and is not started over by accident")
    func trains() throws {
        try Workspace.with { workspace in
            try workspace.configure(stages: "[sft]", "sft: {max_steps: 1, train_batch_size: 2}")
            let early = try workspace.mpo("train", "run.yaml", "--resume", status: 2)
            #expect(early.lastError.contains("no run to resume"))
            #expect(!workspace.has("out"))
            try workspace.mpo("train", "run.yaml")
            let text = try workspace.mpo("tokenize", "--model", "out/stages/01-sft/final", input: "a\n").output
            #expect(text == "[1, 69]\n")
            try workspace.mpo(
                "generate", "--model", "out/stages/01-sft/final", "--prompt", "a", "--response-length", "2")
            let again = try workspace.mpo("train", "run.yaml", status: 2)
            #expect(again.lastError.contains("go on with --resume"))
            try workspace.mpo("train", "run.yaml", "--resume")
        }
    }

    @Test(
        "Other ranks need not see the configuration", .enabled(if: TestSupport.mpirun != nil, "mpirun is not in PATH"))
    func ranks() throws {
        try Workspace.with { workspace in
            try workspace.configure(stages: "[sft]", "sft: {max_steps: 1, train_batch_size: 2}")
            try workspace.mpo("train", "run.yaml", ranks: 3)
            #expect(workspace.has("out/stages/01-sft/final/model.safetensors"))
        }
    }
}

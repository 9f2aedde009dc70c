import Foundation
import TestSupport
import Testing

@Suite("A reward model that gives no scores to compute with")
struct BrokenRewardTests {
    private static let stages = ["sample", "split", "ppo", "evaluate"]

    /// Sets all weights of a reward model's score head.
    private func setScoreHead(of model: String, to value: Float, in workspace: Workspace) throws {
        let file = workspace.directory.appending(path: "\(model)/model.safetensors")
        var bytes = [UInt8](try Data(contentsOf: file))
        let header = 8 + bytes[..<8].enumerated().reduce(0) { $0 + Int($1.element) << (8 * $1.offset) }
        let object = try JSONSerialization.jsonObject(with: Data(bytes[8..<header])) as? [String: Any]
        let entry = try #require(object?["score.weight"] as? [String: Any])
        let offsets = try #require(entry["data_offsets"] as? [Int])
        for place in stride(from: header + offsets[0], to: header + offsets[1], by: 4) {
            bytes.replaceSubrange(
                place..<place + 4, with: withUnsafeBytes(of: value.bitPattern.littleEndian, Array.init))
        }
        try Data(bytes).write(to: file)
    }

    private func configure(_ workspace: Workspace, reward: String = "./reward-model") throws {
        try workspace.configure(
            stages: "[sample]",
            """
            sample: {reward: \(reward), response_length: 4}
            split: {reward: \(reward)}
            ppo: {reward: \(reward), max_steps: 1, rollout_batch_size: 2, response_length: 4}
            evaluate: {policies: [base], judge: \(reward), response_length: 4}
            """)
    }

    @Test(
        "Weights that are not numbers are found before the first stage, whichever it is, with the key that names them")
    func notNumbers() throws {
        try Workspace.with { workspace in
            try setScoreHead(of: "reward-model", to: .nan, in: workspace)
            try configure(workspace)
            for stage in Self.stages {
                let result = try workspace.mpo("train", "run.yaml", "--set", "stages=[\(stage)]", status: 2)
                let key = "\(stage).\(stage == "evaluate" ? "judge" : "reward")"
                #expect(
                    result.lastError.contains("\(key): ./reward-model: tensor score.weight holds numbers that are not"))
                #expect(result.errors == result.lastError + "\n")
                #expect(!workspace.has("out"))
            }
        }
    }

    @Test("Scores that overflow end every stage that scores, and mpo score, with the reward's name")
    func overflow() throws {
        try Workspace.with { workspace in
            try setScoreHead(of: "reward-model", to: 3e38, in: workspace)
            try configure(workspace)
            for stage in Self.stages {
                let result = try workspace.mpo(
                    "train", "run.yaml", "--set", "stages=[\(stage)]", "--set", "output_dir=\(stage)", status: 1)
                #expect(result.lastError.contains("reward ./reward-model: the score of "), "\(result.lastError)")
                #expect(result.lastError.contains("check that model"))
            }
            let result = try workspace.mpo(
                "score", "--model", "policy", "--reward", "reward-model", "--data", "pairs.jsonl", "--output",
                "out.jsonl",
                status: 1)
            #expect(result.lastError.contains("reward reward-model: the score of pair "), "\(result.lastError)")
        }
    }

    @Test("A policy is no reward, and a reward model no policy")
    func heads() throws {
        try Workspace.with { workspace in
            try configure(workspace, reward: "./policy")
            for stage in Self.stages {
                let result = try workspace.mpo("train", "run.yaml", "--set", "stages=[\(stage)]", status: 2)
                #expect(result.lastError.contains("./policy is no reward: it has no score head (score.weight)"))
            }
            let result = try workspace.mpo(
                "train", "run.yaml", "--set", "stages=[sft]", "--set", "sft.init=./reward-model", status: 2)
            #expect(result.lastError.contains("sft.init: ./reward-model is no policy: it has no language-model head"))
        }
    }
}

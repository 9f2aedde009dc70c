import Foundation
import TestSupport
import Testing

@Suite("A split where many gaps are equal", .serialized, .enabled(if: RunWorkspace.hasNeeds, RunWorkspace.needs))
struct TiedGapsTests {
    @Test("Equal gaps stay together, and a part is missed only where a stage reads it")
    func parts() throws {
        try RunWorkspace.with { workspace in
            let pairs = (0..<20).map { index in
                #"{"prompt": "Tom and \#(index)", "chosen": " said \#(index < 12 ? "no" : "thanks")", "rejected": " ran"}"#
            }
            try workspace.write(pairs.joined(separator: "\n"), to: "pairs.jsonl")
            try workspace.configure(
                """
                dataset: {train: pairs.jsonl, max_length: 96, max_prompt_length: 64}
                stages: [split]
                split: {reward: "rule:contains:thanks", quantile: 0.5}
                dpo: {max_steps: 1, eval_data: []}
                ppo: {max_steps: 1, rollout_batch_size: 2, response_length: 4, reward: "rule:length:4"}
                """)
            func counts(_ run: String) throws -> [Int] {
                try ["easy", "difficult"].map { part in
                    try workspace.data("\(run)/stages/01-split/\(part).jsonl").count { $0 == UInt8(ascii: "\n") }
                }
            }
            try workspace.train(["output_dir=half"])
            #expect(try counts("half") == [8, 12])
            let gamma = { (gamma: String) in "split={reward: 'rule:contains:thanks', gamma: \(gamma)}" }
            try workspace.train(["output_dir=easy", gamma("0"), "stages=[split, dpo]"])
            #expect(try counts("easy") == [20, 0])
            try workspace.train(["output_dir=hard", gamma("2"), "stages=[split, ppo]"])
            #expect(try counts("hard") == [0, 20])
            let none = try workspace.train(status: 2, ["output_dir=none", gamma("2"), "stages=[split, dpo]"])
            #expect(none.errors.contains("no pair is easy, but dpo.pairs reads split.easy: gaps lie between 0 and 1"))
            let tied = try workspace.train(
                status: 2, ["output_dir=tied", "split.reward='rule:contains:girl'", "stages=[split, ppo]"])
            #expect(tied.errors.contains("all 20 gaps are 0, which no threshold divides"), "\(tied.errors)")
        }
    }
}

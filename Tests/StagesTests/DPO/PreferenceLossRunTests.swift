import Foundation
import TestSupport
import Testing
import Torch

@Suite("Preference losses in runs", .serialized, .enabled(if: RunWorkspace.hasNeeds, RunWorkspace.needs))
struct PreferenceLossRunTests {
    /// A loss of each need; the first asks for all that one reference can give: entropies, tokens that are drawn, the whole step,
    /// running state, rewards and another denominator.
    private static let settings: [[String]] = {
        let together = ["loss_type=[mallows_theta, sampo, aot, bco_shift, sft]", "hpo.reward=rule:length:20"]
        let second = ["loss_type=mrpo", "references=[base, sft]"]
        let alone = ["mallows_theta", "mallows_phi", "sampo", "d2po_decay", "bmc", "aot", "bco_shift", "simpo", "orpo"]
        let combined = [
            ["loss_type=ipo", "reduction=sampo"], ["loss_type=simpo", "reduction=d2po_decay"],
            ["loss_type=multi_dpo", "references=[base, sft]"], ["use_weighting=true"],
        ]
        let head = ["loss_type=spo", "spo.degrees=2"]
        let long = TestSupport.runsLongTests ? alone.map { ["loss_type=\($0)"] } + combined : []
        return [together, second, head] + long
    }()

    private let runs = LossRuns(program: "mpo")

    @Test("Two workers and other micro-batches make the same of each", arguments: settings)
    func anyDivision(settings: [String]) throws { try runs.expectSameOfAnyDivision(settings) }

    @Test("Each that is killed and resumed ends with the bytes of one that was not", arguments: settings)
    func resumed(settings: [String]) throws {
        let isFree = settings.contains { ["loss_type=simpo", "loss_type=orpo"].contains($0) }
        let references = settings.contains { $0.hasPrefix("references") } ? 2 : isFree ? 0 : 1
        try runs.expectSameOfResumed(settings, references: references)
    }

    @Test("A head that a loss trains is in checkpoints, and no part of the model that is left")
    func head() throws {
        try RunWorkspace.with { workspace in
            try runs.prepare(workspace)
            try runs.train(workspace, ["loss_type=spo"], to: "out", ranks: 3)
            let names = { (file: String) in
                try SafetensorsFile(workspace.url("out/stages/\(file)")).entries.keys.sorted()
            }
            #expect(try names("02-dpo/checkpoint-00000004/auxiliary.safetensors") == ["auxiliary.degree.weight"])
            #expect(try names("02-dpo/final/model.safetensors") == names("01-sft/final/model.safetensors"))
            #expect(!workspace.has("out/stages/02-dpo/final/auxiliary.safetensors"))
            let last = try #require(try workspace.metrics("out").last { $0.stage == "02-dpo" })
            for name in ["degree_accuracy", "eval_degree_accuracy"] {
                #expect((0...1).contains(try #require(last.values[name])), "\(name)")
            }
        }
    }

    @Test("With its neutral setting a loss has DPO's bytes")
    func neutral() throws {
        try RunWorkspace.with { workspace in
            try runs.prepare(workspace)
            try expectBytesOfDPO(
                workspace,
                [
                    ["loss_type=d2po_decay", "d2po.gamma=1"], ["loss_type=focalpo", "focalpo.gamma=0"], ["ld_alpha=1"],
                    ["loss_type=r_dpo", "r_dpo.alpha=0"], ["rpo_alpha=0"],
                    ["hpo.gamma=0", "hpo.reward=rule:length:20"], ["loss_type=bmc", "bmc.delta=0"],
                    ["loss_type=spo", "spo.gamma=0"],
                    ["loss_weights=[1, 0]", "loss_type=[sigmoid, sft]"],
                    ["loss_type=mrpo", "references=[sft, sft]"], ["loss_type=dpop", "dpop.lambda=0"],
                ])
        }
    }

    @Test("Where both responses of every pair are of one length, what weighs lengths has DPO's bytes")
    func equalLengths() throws {
        try RunWorkspace.with { workspace in
            try runs.prepare(workspace)
            for (file, count) in [("train.jsonl", 24), ("eval.jsonl", 6)] {
                let rows = (0..<count).map { number in
                    let (first, second) = number.isMultiple(of: 2) ? ("big dog", "dog big") : ("red ball", "ball red")
                    return
                        "{\"prompt\": \"Tom saw \(number)\", \"chosen\": \" \(first)\", \"rejected\": \" \(second)\"}\n"
                }
                try workspace.write(rows.joined(), to: file)
            }
            try expectBytesOfDPO(
                workspace,
                [
                    ["loss_type=sampo"], ["loss_type=sampo_average"], ["ld_alpha=0.3"], ["loss_type=r_dpo"],
                ])
        }
    }

    private func expectBytesOfDPO(_ workspace: RunWorkspace, _ settings: [[String]]) throws {
        try runs.train(workspace, ["loss_type=sigmoid"], to: "dpo")
        let weights = try workspace.weights("dpo", "02-dpo")
        #expect(try weights != workspace.weights("dpo", "01-sft"))
        for settings in settings {
            let result = try runs.train(workspace, settings, to: settings[0])
            #expect(try workspace.weights(settings[0], "02-dpo") == weights, "\(settings)")
            #expect(
                result.errors.contains("dpo: warning: references lists sft twice")
                    == settings.contains("references=[sft, sft]"), "\(result.errors)")
        }
    }

    @Test(
        "A column of the data is a reward: of HPO's term, and of a split; a row without it is refused",
        arguments: [1, 3])
    func column(ranks: Int) throws {
        try RunWorkspace.with { workspace in
            try runs.prepare(workspace)
            for file in ["train.jsonl", "eval.jsonl"] {
                try rewrite(workspace, file) { row, number in
                    (row["aux_chosen"], row["aux_rejected"]) = (Double(number % 5), Double(number % 3))
                }
            }
            try runs.train(workspace, ["hpo.reward=column:aux"], to: "column", ranks: ranks)
            try runs.train(workspace, ["loss_type=sigmoid"], to: "dpo", ranks: ranks)
            #expect(try workspace.weights("column", "02-dpo") != workspace.weights("dpo", "02-dpo"))

            try workspace.configure(
                "dataset: {train: train.jsonl}\nstages: [split]\nsplit: {reward: 'column:aux', gamma: 2}")
            try workspace.train(ranks: ranks)
            for (part, isEasy) in [("easy", true), ("difficult", false)] {
                let rows = try rows(workspace, "out/stages/01-split/\(part).jsonl")
                #expect(rows.count > 5)
                for row in rows {
                    let (chosen, rejected) = (row["aux_chosen"] as? Double, row["aux_rejected"] as? Double)
                    #expect((abs(try #require(chosen) - #require(rejected)) >= 2) == isEasy)
                    #expect(row["chosen_reward"] as? Double == chosen || row["rejected_reward"] as? Double == chosen)
                }
            }

            try rewrite(workspace, "train.jsonl") { row, number in if number == 3 { row["aux_rejected"] = nil } }
            let missing = try workspace.train(ranks: ranks, status: 2, ["output_dir=missing"])
            #expect(
                missing.errors.contains("train.jsonl:4: 'aux_rejected' is missing, which reward column:aux reads"),
                "\(missing.errors)")
            #expect(!workspace.has("missing"))
        }
    }

    private func rewrite(
        _ workspace: RunWorkspace, _ file: String, _ change: (inout [String: Any], Int) -> Void
    ) throws {
        let lines = try rows(workspace, file).enumerated().map { number, row in
            var row = row
            change(&row, number)
            return try JSONSerialization.data(withJSONObject: row)
        }
        try Data(lines.joined(separator: [UInt8(ascii: "\n")])).write(to: workspace.url(file))
    }

    private func rows(_ workspace: RunWorkspace, _ file: String) throws -> [[String: Any]] {
        try workspace.data(file).split(separator: UInt8(ascii: "\n")).map {
            try #require(try JSONSerialization.jsonObject(with: $0) as? [String: Any])
        }
    }
}

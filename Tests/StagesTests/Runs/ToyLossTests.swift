import Foundation
import TestSupport
import Testing
import Torch

/// Losses that `Tests/Helpers/ToyLosses` adds, a file each, with what is below them as it is.
@Suite("Losses added from outside", .serialized, .enabled(if: RunWorkspace.hasNeeds, RunWorkspace.needs))
struct ToyLossTests {
    private static let names = [
        "toy_decayed", "toy_confident", "toy_panel", "toy_likelihood", "toy_ranked", "toy_shifted",
    ]
    /// All in the long form, else those that ask for most: entropies of two references, and state that is carried.
    private static let trainedInCI = TestSupport.runsLongTests ? names : ["toy_panel", "toy_shifted"]
    /// All in the long form, else those of the whole step and of state.
    private static let killedInCI = TestSupport.runsLongTests ? names : ["toy_ranked", "toy_shifted"]

    private let runs = LossRuns(program: "toy-losses")

    private func settings(_ loss: String) -> [String] {
        ["loss_type=\(loss)"] + (loss == "toy_panel" ? ["references=[base, sft]"] : [])
    }

    @Test("Each trains, and two workers and other micro-batches make the same of it", arguments: trainedInCI)
    func trained(loss: String) throws { try runs.expectSameOfAnyDivision(settings(loss)) }

    @Test("Each that is killed and resumed ends with the bytes of one that was not", arguments: killedInCI)
    func resumed(loss: String) throws {
        let references = loss == "toy_panel" ? 2 : loss == "toy_likelihood" ? 0 : 1
        try runs.expectSameOfResumed(settings(loss), references: references)
    }

    @Test("What a loss carries from step to step stands in its checkpoints, and a checkpoint without it is refused")
    func state() throws {
        try RunWorkspace.with { workspace in
            try runs.prepare(workspace)
            try runs.train(workspace, ["loss_type=toy_shifted", "toy_momentum=0.5"], to: "out")
            let file = "out/stages/02-dpo/checkpoint-00000004/trainer_state.json"
            let state = try JSONSerialization.jsonObject(with: workspace.data(file)) as? [String: Any]
            let carried = try #require(state?["loss_state"] as? [Double])
            #expect(carried.count == 2 && carried[0] != 0 && carried[1] == 4)
            try runs.train(workspace, ["loss_type=toy_decayed"], to: "other")
            let others =
                try JSONSerialization.jsonObject(
                    with: workspace.data("other/stages/02-dpo/checkpoint-00000004/trainer_state.json"))
                as? [String: Any]
            #expect(others != nil && others?["loss_state"] == nil)
        }
    }

    @Test("Their options are keys that change the loss, and are kept in the run's configuration")
    func options() throws {
        try RunWorkspace.with { workspace in
            try runs.prepare(workspace)
            try runs.train(workspace, ["loss_type=toy_decayed", "toy_rate=1"], to: "neutral")
            try runs.train(workspace, ["loss_type=sigmoid"], to: "dpo")
            try runs.train(workspace, ["loss_type=toy_decayed", "toy_rate=0.5"], to: "half")
            let (neutral, dpo) = (try runs.weights(workspace, "neutral"), try runs.weights(workspace, "dpo"))
            let start = try runs.floats(workspace.url("dpo/stages/01-sft/final/model.safetensors"))
            let update = runs.norm(zip(dpo, start).map { $0 - $1 })
            #expect(runs.norm(zip(neutral, dpo).map { $0 - $1 }) / update < 1e-3)
            #expect(runs.norm(zip(try runs.weights(workspace, "half"), dpo).map { $0 - $1 }) / update > 0.05)
            let written = String(decoding: try workspace.data("half/config.yaml"), as: UTF8.self)
            #expect(written.contains("  toy_rate: 0.5\n") && written.contains("  toy_momentum: 0.9\n"))
            let wrong = try runs.train(workspace, ["loss_type=toy_decayed", "toy_rate=2"], to: "wrong", status: 2)
            #expect(
                wrong.errors.contains("dpo.toy_rate: expected a number, greater than 0 and at most 1"),
                "\(wrong.errors)")
        }
    }

    @Test(
        "What means nothing for a loss, or lacks for it, is refused with a way out",
        arguments: [
            (
                "sigmoid", ["toy_rate=0.5"],
                "dpo.toy_rate: has no meaning for loss_type sigmoid; use toy_decayed, or leave it at 0.98"
            ),
            (
                "sigmoid", ["references=[base]"],
                "dpo.references: has no meaning for loss_type sigmoid, which compares with one reference; give reference"
            ),
            (
                "toy_likelihood", ["reference=base"],
                "dpo.reference: has no meaning for loss_type toy_likelihood, which compares with no reference; leave it out"
            ),
            (
                "toy_panel", ["references=[base]"],
                "dpo.references: loss_type toy_panel compares with 2 references, and 1 are given; list 2"
            ),
            (
                "toy_panel", ["references=[]"],
                "dpo.references: loss_type toy_panel compares with 2 references, and 0 are given; list 2"
            ),
            (
                "toy_panel", ["references=[base, sft]", "reference=sft"],
                "dpo.reference: given beside references, whose first is base; leave it out"
            ),
            ("toy_panel", ["references=[base, other]"], "dpo.references: no stage 'other' in stages"),
        ])
    func refused(loss: String, settings: [String], message: String) throws {
        try RunWorkspace.with { workspace in
            try runs.prepare(workspace)
            let result = try runs.train(workspace, ["loss_type=\(loss)"] + settings, to: "out", status: 2)
            #expect(result.errors.contains(message), "\(result.errors)")
        }
    }
}

import TestSupport
import Testing

@Suite("Preference losses in runs", .serialized, .enabled(if: RunWorkspace.hasNeeds, RunWorkspace.needs))
struct PreferenceLossRunTests {
    /// A loss of each need; the first asks for all that one reference can give: entropies, tokens that are drawn, the whole step,
    /// running state and another denominator.
    private static let settings: [[String]] = {
        let together = ["loss_type=[mallows_theta, sampo, aot, bco_shift, sft]"]
        let second = ["loss_type=mrpo", "references=[base, sft]"]
        let alone = ["mallows_theta", "mallows_phi", "sampo", "d2po_decay", "bmc", "aot", "bco_shift", "simpo", "orpo"]
        let combined = [
            ["loss_type=ipo", "reduction=sampo"], ["loss_type=simpo", "reduction=d2po_decay"],
            ["loss_type=multi_dpo", "references=[base, sft]"], ["use_weighting=true"],
        ]
        let long = TestSupport.runsLongTests ? alone.map { ["loss_type=\($0)"] } + combined : []
        return [together, second] + long
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

    @Test("With its neutral setting a loss has DPO's bytes")
    func neutral() throws {
        try RunWorkspace.with { workspace in
            try runs.prepare(workspace)
            try runs.train(workspace, ["loss_type=sigmoid"], to: "dpo")
            for settings in [
                ["loss_type=d2po_decay", "d2po.gamma=1"], ["loss_type=focalpo", "focalpo.gamma=0"], ["ld_alpha=1"],
                ["loss_type=r_dpo", "r_dpo.alpha=0"], ["rpo_alpha=0"], ["loss_type=bmc", "bmc.delta=0"],
                ["loss_weights=[1, 0]", "loss_type=[sigmoid, sft]"],
            ] {
                try runs.train(workspace, settings, to: settings[0])
                let same = try workspace.weights(settings[0], "02-dpo") == workspace.weights("dpo", "02-dpo")
                #expect(same, "\(settings)")
            }
        }
    }
}

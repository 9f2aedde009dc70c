import Foundation
import PreferenceData
import TestSupport
import Testing

@Suite("Runs that are killed at random moments", .serialized, .enabled(if: RunWorkspace.hasNeeds, RunWorkspace.needs))
struct KillTests {
    private static let stages = RecipeTests.recipe.replacing(/max_steps: \d/, with: "max_steps: 6") + "\nsave_steps: 2"

    /// Ways to run the recipe, and to end it.
    enum Form: String, CaseIterable {
        case split, colocated
        case drawnAhead = "split with max_staleness 1"
        case alone
        case script = "launch/run, ended by SIGTERM"

        var ranks: Int { self == .alone ? 1 : 3 }

        var options: [String] {
            switch self {
            case .split, .alone, .script: []
            case .colocated: ["placement=colocated"]
            case .drawnAhead: ["ppo.max_staleness=1"]
            }
        }

        func job(_ workspace: RunWorkspace, resume: Bool) throws -> Job {
            self == .script
                ? workspace.script(["--learners", "1", "--rollouts", "1", "--threads", "1"], resume: resume)
                : try workspace.job(ranks: ranks, resume: resume, options)
        }
    }

    @Test("Four kills of one rank or of all, and the run ends as one that was left alone")
    func short() throws {
        try kill(4, .drawnAhead, seed: 1)
    }

    @Test(
        "Twenty ends, in every placement", .enabled(if: TestSupport.runsLongTests, "a long test: MPO_LONG_TESTS=1"),
        arguments: Form.allCases)
    func long(form: Form) throws {
        try kill(20, form, seed: 2)
    }

    /// Kills runs again and again until so many kills have hit, and compares each run that ends with one left alone.
    private func kill(_ count: Int, _ form: Form, seed: UInt64) throws {
        try RunWorkspace.with { workspace in
            try workspace.addPairs()
            try workspace.configure(Self.stages)
            try workspace.train(ranks: form.ranks, form.options + ["output_dir=whole"])
            var random = SplitMix64(seed)
            var kills = 0
            while kills < count {
                let resumes = workspace.has("out/run.json")
                let job = try form.job(workspace, resume: resumes)
                let moment = Moment(
                    lines: random.next(below: 6), seconds: Double(random.next(below: 400)) / 1000)
                let hitsAll = random.next(below: 2) == 0
                let victim = random.next(below: form.ranks)
                let result = try workspace.end(job, at: moment) { process in
                    guard form != .script else { return _ = Foundation.kill(process, SIGTERM) }
                    let ranks = workspace.processes
                    for (rank, process) in ranks.enumerated() where hitsAll || rank == victim {
                        Foundation.kill(process, SIGKILL)
                    }
                }
                if result.status == 0 {
                    try finish(workspace)
                } else {
                    #expect(result.status == (form == .script ? 75 : 128 + SIGKILL), "\(result.errors)")
                    #expect(result.errors.contains("mpo: stopped") == (form == .script), "\(result.errors)")
                    kills += 1
                }
            }
            if workspace.has("out") {
                try workspace.train(ranks: form.ranks, resume: true, form.options)
                try finish(workspace)
            }
        }
    }

    private func finish(_ workspace: RunWorkspace) throws {
        try workspace.expectSame()
        try FileManager.default.removeItem(at: workspace.url("out"))
    }
}

import Commands
import Configuration
import Foundation
import TestSupport
import Testing

@Suite("A study as it is asked for")
struct StudyPlanTests {
    @Test("Arms are the stages that the evaluate stage compares, the first of them the baseline, unless they are named")
    func arms() throws {
        try StudyWorkspace.with { workspace in
            let all = try workspace.plan().comparison
            #expect(all.arms == ["sft", "dpo", "ipo"])
            #expect((all.baseline, all.evaluation, all.others) == ("sft", "evaluate", []))
            let some = try workspace.plan {
                $0.arms = "ipo,dpo"
                $0.baseline = "dpo"
            }.comparison
            #expect((some.arms, some.baseline, some.others) == (["ipo", "dpo"], "dpo", ["sft"]))
            let beside = try workspace.plan {
                $0.arms = "ipo"
                $0.baseline = "sft"
            }.comparison
            #expect((beside.arms, beside.rows, beside.others) == (["ipo"], ["sft", "ipo"], []))
        }
    }

    @Test("A stage that --arms leaves out, and that no other needs, is not run, nor tuned beside the others")
    func leftOut() throws {
        try StudyWorkspace.with { workspace in
            let plan = try workspace.plan {
                $0.arms = "ipo"
                $0.tune = ["beta=0.1,0.2"]
                $0.tuneSeeds = "90"
            }
            #expect((plan.comparison.leftOut, plan.comparison.others) == (["dpo"], ["sft"]))
            for run in plan.tuningRuns.flatMap(\.self) {
                #expect(run.configuration.stages.map(\.name) == ["sft", "ipo", "evaluate"])
                try workspace.finish(run) { _ in 1 }
            }
            let run = try #require(try plan.next()).run
            #expect(
                run.options(.missing).suffix(6) == [
                    "--set", "ipo.beta=0.1", "--set", "stages=[sft, ipo, evaluate]", "--set",
                    "evaluate.policies=[sft, ipo]",
                ])
            try workspace.finish(run) { _ in 1 }
            #expect(try plan.next()?.run.seed == 2)
            // What another stage reads stays.
            try workspace.configure(
                stages: "[sft, dpo, late, ipo, evaluate]", "late: {type: dpo, init: dpo, reference: dpo}")
            #expect(try workspace.plan { $0.arms = "late,ipo" }.comparison.leftOut == [])
            #expect(try workspace.plan { $0.arms = "ipo" }.comparison.leftOut == ["dpo", "late"])
        }
    }

    @Test("Runs of all arms that are there serve a study of some of them")
    func wholeRuns() throws {
        try StudyWorkspace.with { workspace in
            for run in try workspace.plan().mainRuns() { try workspace.finish(run) { $0 == "ipo" ? 2 : 1 } }
            let plan = try workspace.plan { $0.arms = "ipo" }
            #expect(try plan.next() == nil)
            let results = try plan.results()
            #expect(results.arms.map(\.score.mean) == [2] && !results.table().contains("win rate over dpo"))
        }
    }

    @Test(
        "A mistake in the options is told with a way out",
        arguments: [
            ("--arms", ["arms": "dpo,ipoo"], "no stage 'ipoo' in stages; did you mean ipo? stages that leave a policy"),
            ("--arms", ["arms": "evaluate"], "'evaluate' (evaluate) leaves no policy; stages that leave"),
            ("--arms", ["arms": "dpo,dpo"], "'dpo' is there twice; keep one"),
            ("--baseline", ["baseline": "dop"], "evaluate does not compare 'dop'; did you mean dpo? its policies are"),
            ("--evaluation", ["evaluation": "dpo"], "'dpo' is no evaluate stage; evaluate stages are evaluate"),
            ("--seeds", ["seeds": "3"], "one seed gives no interval; give two or more"),
            ("--set seed=4", ["set": "seed=4"], "the seeds of a study are those of --seeds; leave it out"),
            ("--tune", ["tune": "learning_rate"], "'learning_rate' is not of the form KEY=V1,V2; write"),
            ("--tune", ["tune": "learning_rate=1,,2"], "'learning_rate=1,,2' is not of the form KEY=V1,V2; write"),
            ("--tune", ["tune": "learning_rate=1"], "one value of learning_rate is no choice; "),
            ("--tune", ["tune": "beta=1,2", "tune_seeds": ""], "no seeds to tune on; add --tune-seeds"),
            (
                "--tune", ["tune": "learning_rat=1,2"],
                "no arm has a key 'learning_rat' (sft, dpo, ipo); did you mean learning"
            ),
            ("--tune", ["tune": "dpo.bta=1,2"], "no arm has a key 'bta' (dpo); did you mean beta?"),
            ("--tune", ["tune": "evaluate.temperature=1,2"], "'evaluate' is no arm; a stage that arms share is set by"),
            (
                "--tune", ["arms": "dpo,ipo", "tune": "learning_rate=1e-3,0.001"],
                "1e-3 and 0.001 are one value of learning_rate; keep one"
            ),
            (
                "--tune learning_rate=fast", ["arms": "dpo,ipo", "tune": "learning_rate=1e-3,fast"],
                "expected a number, at least 0.0, found 'fast'"
            ),
            (
                "--tune label_smoothing=0.1", ["tune": "label_smoothing=0,0.1", "arms": "dpo,ipo"],
                "has no meaning for loss_type ipo; try other values, or leave ipo out of --arms"
            ),
            ("--tune-seeds", ["tune": "beta=1,2", "tune_seeds": "2-4"], "seed 2 is one of --seeds, where its luck"),
            (
                "--tune", ["tune": "learning_rate=1,2"],
                "dpo reads what sft leaves, so that sft's learning_rate would count for both; leave sft out of --arms (it"
            ),
            ("--tune-seeds", ["tune_seeds": "90"], "nothing is tuned on them; add --tune"),
        ])
    func mistakes(place: String, options: [String: String], text: String) throws {
        try StudyWorkspace.with { workspace in
            let error = #expect(throws: StudyError.self) {
                try workspace.plan(seeds: options["seeds"] ?? "1-2") {
                    ($0.arms, $0.baseline, $0.evaluation) = (
                        options["arms"], options["baseline"], options["evaluation"]
                    )
                    $0.tune = [options["tune"]].compactMap(\.self)
                    let seeds = options["tune_seeds"] ?? (options["tune"] == nil ? "" : "90")
                    $0.tuneSeeds = seeds.isEmpty ? nil : seeds
                    $0.overrides = [options["set"]].compactMap(\.self)
                }
            }
            #expect(error?.description.hasPrefix("\(place): \(text)") == true, "\(error?.description ?? "")")
            #expect(error?.exitStatus == 2)
        }
    }

    @Test("A configuration without an evaluate stage, or whose evaluation leaves an arm out, is refused")
    func evaluation() throws {
        try StudyWorkspace.with { workspace in
            try workspace.configure(stages: "[sft, dpo]")
            let missing = #expect(throws: ConfigurationError.self) { try workspace.plan() }
            #expect(missing?.description.contains("study.yaml:4: stages: no evaluate stage, by whose") == true)
            try workspace.configure(
                stages: "[sft, dpo, ipo, evaluate, again]",
                "again: {type: evaluate, judge: 'rule:count:a', policies: [sft, ipo]}")
            let unclear = #expect(throws: StudyError.self) { try workspace.plan() }
            #expect(unclear?.problem == "evaluate and again compare the arms")
            #expect(try workspace.plan { $0.arms = "dpo" }.comparison.evaluation == "evaluate")
            let without = #expect(throws: StudyError.self) {
                try workspace.plan {
                    $0.arms = "dpo"
                    $0.evaluation = "again"
                }
            }
            #expect(without?.description.hasPrefix("--arms: 'dpo' is not among the policies of again; add it") == true)
        }
    }

    @Test("A value at an end of those that were tried is told, and of equals the first is chosen")
    func ends() throws {
        try StudyWorkspace.with { workspace in
            let plan = try workspace.plan {
                $0.arms = "dpo,ipo"
                $0.tune = ["beta=0.2,0.1,0.4"]
                $0.tuneSeeds = "90"
            }
            for (runs, scores) in zip(
                plan.tuningRuns, [["dpo": 2.0, "ipo": 1], ["ipo": 3, "dpo": 2], ["dpo": 1, "ipo": 2]])
            {
                try workspace.finish(runs[0]) { scores[$0] ?? 0 }
            }
            let text = try #require(try plan.tuningReport()).text
            #expect(text.hasSuffix("on seeds 90: dpo 0.2, ipo 0.1; at an end of what was tried: ipo"))
        }
    }

    @Test("Arms without the key that is tuned are told before the first run, and those to which it makes no difference")
    func untouched() throws {
        try StudyWorkspace.with { workspace in
            let plan = try workspace.plan {
                $0.tune = ["beta=0.1,0.2"]
                $0.tuneSeeds = "90"
            }
            #expect(
                plan.tuning?.note
                    == "--tune tries values for dpo, ipo; sft has no key 'beta' and goes on as configured")
            for (runs, score) in zip(plan.tuningRuns, [1.0, 2]) {
                try workspace.finish(runs[0]) { $0 == "dpo" ? score : 3 }
            }
            let text = try #require(try plan.tuningReport()).text
            #expect(text.hasSuffix("on seeds 90: dpo 0.2, ipo 0.1; makes no difference to ipo"))
            let one = try workspace.plan {
                $0.tune = ["ipo.beta=0.1,0.2"]
                $0.tuneSeeds = "90"
            }
            #expect(one.tuning?.note == nil)
        }
    }

    @Test("A metric that no arm has is told once a first run is finished")
    func shown() throws {
        try StudyWorkspace.with { workspace in
            let plan = try workspace.plan { $0.show = "los" }
            let run = try #require(try plan.next()).run
            try workspace.finish(run) { _ in 1 }
            let error = #expect(throws: StudyError.self) { try plan.next() }
            #expect(error?.description.hasPrefix("--show: no arm has 'los'; did you mean loss? metrics are") == true)
            #expect(try workspace.plan { $0.show = "loss" }.next()?.run.seed == 2)
        }
    }

    @Test("An arm that diverges loses the value, and the others are tried on that seed without it")
    func divergence() throws {
        try StudyWorkspace.with { workspace in
            let plan = try workspace.plan {
                $0.arms = "dpo,ipo"
                $0.tune = ["beta=0.1,0.2"]
                $0.tuneSeeds = "90-91"
            }
            try workspace.diverge(plan.tuningRuns[0][0], at: "ipo")
            let without = try #require(try plan.next()).run
            #expect(without.title == "beta 0.1 on seed 90 without ipo")
            #expect(without.directory == plan.tuningRuns[0][0].directory + "-without-ipo")
            #expect(without.configuration.stages.map(\.name) == ["sft", "dpo", "evaluate"])
            #expect(
                without.options(.missing).suffix(6) == [
                    "--set", "dpo.beta=0.1", "--set", "stages=[sft, dpo, evaluate]", "--set",
                    "evaluate.policies=[sft, dpo]",
                ])
            try workspace.finish(without) { _ in 3 }
            for run in plan.tuningRuns.flatMap(\.self).dropFirst() { try workspace.finish(run) { _ in 1 } }
            let report = try #require(try plan.tuningReport())
            #expect(report.arms.map(\.chosen) == ["0.1", "0.2"])
            #expect(report.arms[1].scores == [nil, [1, 1]] && report.arms[1].means == [nil, 1])
            #expect(report.text.hasSuffix("on seeds 90-91: dpo 0.1, ipo 0.2; diverged: ipo with 0.1"))
            for run in try plan.mainRuns() { try workspace.finish(run) { _ in 1 } }
            #expect(try plan.next() == nil)
            #expect(try plan.results().tuning == report)
        }
    }

    @Test("What diverges with every value ends the study, and what is no arm fails as before")
    func lost() throws {
        try StudyWorkspace.with { workspace in
            let plan = try workspace.plan {
                $0.arms = "dpo,ipo"
                $0.tune = ["ipo.beta=0.1,0.2"]
                $0.tuneSeeds = "90"
            }
            let runs = plan.tuningRuns.flatMap(\.self)
            try workspace.diverge(runs[0], at: "dpo")
            #expect(try plan.next()?.run.directory == runs[0].directory, "dpo is the same at every value")
            for run in runs { try workspace.diverge(run, at: "ipo") }
            let error = #expect(throws: StudyError.self) { try plan.next() }
            #expect(
                error?.description
                    == "--tune: ipo diverged with every ipo.beta (0.1, 0.2); try other values, or leave ipo out of --arms"
            )
        }
    }

    @Test("The recipe of a study is one")
    func recipe() throws {
        let recipe = TestSupport.repository.appending(path: "launch/recipes/study.yaml")
        var options = StudyOptions(config: recipe.path, seeds: "1-5")
        (options.arms, options.tune, options.tuneSeeds) = ("dpo,ipo,hinge", ["learning_rate=1e-4,3e-4"], "90-91")
        let plan = try StudyPlan(options, registry: .standard)
        #expect((plan.comparison.baseline, plan.comparison.others) == ("dpo", ["sft"]))
        #expect(plan.tuningRuns.map(\.count) == [2, 2])
    }

    @Test("Runs that tune come first, then a run a seed, each with what it is over the study's configuration")
    func runs() throws {
        try StudyWorkspace.with { workspace in
            let plan = try workspace.plan(seeds: "3,5") {
                $0.arms = "dpo,ipo"
                $0.tune = ["beta=0.1,0.5"]
                $0.tuneSeeds = "90-91"
            }
            for (value, best) in [("0.1", "dpo"), ("0.5", "ipo")] {
                for seed in [90, 91] {
                    let next = try #require(try plan.next())
                    #expect(next.run.title == "beta \(value) on seed \(seed)")
                    let place = "\(workspace.directory.path)/out/tune/beta-\(value)/seed-\(seed)"
                    #expect(next.run.directory == place)
                    #expect(
                        next.run.options(next.progress) == [
                            "--set", "output_dir=\(place)", "--set", "seed=\(seed)", "--set", "dpo.beta=\(value)",
                            "--set", "ipo.beta=\(value)",
                        ])
                    #expect(throws: StudyError.self) { try plan.results() }
                    try workspace.finish(next.run) { $0 == best ? 2 : 1 }
                }
            }
            let next = try #require(try plan.next())
            #expect(next.run.title == "seed 3 (1 of 2)")
            #expect(next.run.options(next.progress).suffix(4) == ["--set", "dpo.beta=0.1", "--set", "ipo.beta=0.5"])
            for run in try plan.mainRuns() { try workspace.finish(run) { _ in 1 } }
            #expect(try plan.next() == nil)
            let tuning = try #require(try plan.results().tuning)
            #expect(tuning.arms.map(\.chosen) == ["0.1", "0.5"])
            #expect(tuning.arms[0].scores == [[2, 2], [1, 1]])
            #expect(tuning.text == "beta of 0.1, 0.5 by the best mean score on seeds 90-91: dpo 0.1, ipo 0.5")
        }
    }
}

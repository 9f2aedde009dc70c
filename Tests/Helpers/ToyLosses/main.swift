import Foundation
import MPI
import Objectives
import Runs
import Stages

// Usage: toy-losses CONFIG [--resume] KEY=VALUE...
//
// Trains as `mpo train CONFIG --set KEY=VALUE...` does, but dpo stages choose among this program's losses too. A KEY without a
// dot is one of the stage `dpo`, but for `output_dir`.

let losses = PreferenceLosses.standard.adding(.decayed, .confident, .panel, .likelihood, .ranked, .shifted)
let words = Array(CommandLine.arguments.dropFirst())
let overrides = words.dropFirst().filter { $0.contains("=") }.map { word in
    word.hasPrefix("output_dir=") || word.prefix { $0 != "=" }.contains(".") ? word : "dpo." + word
}

runJob(named: "toy-losses") { runtime in
    var options = StartOptions()
    options.resumes = words.contains("--resume")
    let configuration = try RunConfiguration(
        contentsOf: words[0], overrides: overrides, registry: .standard.adding(DPOStage(losses: losses)),
        on: runtime.world)
    let run = TrainingRun(configuration, on: runtime, options, until: StopConditions(signals: StopSignals()))
    return try run().exitStatus
}

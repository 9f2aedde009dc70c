import Foundation
import MPI
import Objectives
import Runs
import Stages

/// `toys plan|train|keys CONFIG [OVERRIDE ...]`: what `mpo` does, with a stage, parts of policy gradients and a family of models from here in its registry.
let words = CommandLine.arguments
guard words.count > 2 else {
    print("toys plan|train|keys CONFIG [OVERRIDE ...]")
    exit(2)
}
let group = GRPORecipe.parts
    .with(tokenReward: { _ in ToyTokenReward() })
    .with(policyLoss: { options in
        var loss = GRPORecipe.parts.policyLoss(options)
        loss.surrogate = ToySurrogate()
        return loss
    })
let registry = Registry.standard
    .adding(ToyStage())
    .adding(PPOStage(.chosen.with(advantage: { _ in ToyAdvantage() })))
    .adding(GRPOStage(group))
    .adding(ToyFamily.self)

runJob(named: "toys") { runtime in
    let configuration = try RunConfiguration(
        contentsOf: words[2], overrides: Array(words.dropFirst(3)), registry: registry, on: runtime.world)
    switch words[1] {
    case "plan": print(try RunForecast(configuration, ranks: 3).text)
    case "keys": print(ConfigurationReference.markdown(registry) + configuration.yaml)
    default:
        let conditions = StopConditions(signals: StopSignals())
        return try TrainingRun(configuration, on: runtime, StartOptions(), until: conditions)().exitStatus
    }
    return 0
}

import Runs

extension StageStart {
    /// Checks that a rule is one, and that a program can be started.
    package func checkReward(_ reference: ArtifactReference) throws {
        switch reference {
        case .rule(let rule): try RuleScorer.check(rule)
        case .command(let line): try ShellProgram.check(line)
        case .base, .dataset, .stage, .path, .column: break
        }
    }

    /// Checks that the token which ends responses is one.
    package func checkStop(_ token: StopToken) throws {
        _ = try text.stopTokens(token, key: name, configuration)
    }
}

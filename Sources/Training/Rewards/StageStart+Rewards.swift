import Configuration
import PreferenceData
import Runs

extension StageStart {
    /// Checks that a rule, which a key of the stage gives, is one, that a program can be started, and that a judge
    /// behind a server can be asked.
    ///
    /// - Throws: ``ConfigurationError``
    package func checkReward(_ reference: ArtifactReference, for key: String) throws {
        switch reference {
        case .rule(let rule):
            do { try RuleScorer.check(rule) } catch {
                throw self.error(key, error.fault, remedy: error.remedy)
            }
        case .command(let line): try checkProgram(line, for: key)
        case .openai(let text): try checkJudge(text, for: key)
        case .base, .dataset, .stage, .path, .column: break
        }
    }

    /// Checks that the program which a key of the stage names can be started.
    ///
    /// - Throws: ``ConfigurationError``
    package func checkProgram(_ line: String, for key: String) throws {
        do { try ShellProgram.check(line) } catch {
            throw self.error(key, "\(error)", remedy: "give a line that sh can run here, its program with its path")
        }
    }

    private func error(_ key: String, _ problem: String, remedy: String) -> ConfigurationError {
        configuration.error(at: "\(name).\(key)", problem, remedy: remedy)
    }

    /// The same of a reward of responses to prompts, and that the column which its rule compares with holds an answer in every
    /// row. Of rows that stages will leave, those are looked at that these stages read: they keep their columns.
    ///
    /// - Parameter limit: How many rows are answered; `nil` for all.
    package func checkReward(
        _ reference: ArtifactReference, for key: String, ofPrompts prompts: [ArtifactReference], limit: Int? = nil
    ) throws {
        try checkReward(reference, for: key)
        guard case .rule(let text) = reference, let rule = RewardRule.answer(ofRule: text) else { return }
        let isMade = prompts.contains { if case .stage = $0 { true } else { false } }
        try Dataset<Prompt>.read(
            prompts.flatMap(sources), onBadRecord: configuration.dataset.onBadRecord,
            columns: configuration.dataset.columns, limit: isMade ? nil : limit
        ) { _ = try rule.expected(in: $0.fields.otherColumns, source: $0.source) }
    }

    /// Checks that the token which ends responses is one.
    package func checkStop(_ token: StopToken) throws {
        _ = try text.stopTokens(token, key: name, configuration)
    }
}

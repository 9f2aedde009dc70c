import Configuration
import Runs

extension StageStart {
    /// Checks that a rule, which a key of the stage gives, is one, and that a program can be started.
    ///
    /// - Throws: ``ConfigurationError``
    package func checkReward(_ reference: ArtifactReference, for key: String) throws {
        switch reference {
        case .rule(let rule):
            do { try RuleScorer.check(rule) } catch {
                throw self.error(key, error.fault, remedy: error.remedy)
            }
        case .command(let line): try checkProgram(line, for: key)
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

    /// Checks that the token which ends responses is one.
    package func checkStop(_ token: StopToken) throws {
        _ = try text.stopTokens(token, key: name, configuration)
    }
}

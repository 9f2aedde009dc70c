import Configuration
import Runs

extension RunConfiguration {
    /// Checks that no stage scores pairs that a stage makes by a column, which is of the answers that the data had.
    ///
    /// - Throws: ``ConfigurationError``
    package func checkColumns(ofRowsMadeBy name: String) throws {
        for stage in stages {
            let reward = stage.inputs.first { if case .column = $0.reference { true } else { false } }
            let data = stage.inputs.filter(\.isData).map(\.reference)
            guard let reward, data.contains(where: { passes(through: name, $0) }) else { continue }
            throw error(
                at: "\(stage.name).\(reward.key)",
                "\(reward.reference) scores answers that the data had, and stage \(name) puts others in their place",
                remedy: "give a model, rule:NAME, command:LINE or openai:URL#MODEL")
        }
    }

    /// Whether rows come from a stage, be it through others.
    private func passes(through name: String, _ reference: ArtifactReference) -> Bool {
        guard case .stage(let found, _) = reference else { return false }
        return found == name
            || stage(named: found)?.inputs.contains { $0.isData && passes(through: name, $0.reference) } ?? false
    }
}

import Configuration
import PreferenceData
import Runs

extension StageStart {
    /// Checks that demonstrations and samples share a prompt. Of rows that stages will leave, those are looked at that these stages
    /// read: they have no other prompts.
    ///
    /// - Throws: ``ConfigurationError``
    func checkSharedPrompts(of demonstrations: [ArtifactReference], and samples: [ArtifactReference]) throws {
        guard !demonstrations.isEmpty else { return }
        var prompts: Set<[UInt8]> = []
        var first: String?
        try read(demonstrations) {
            first = first ?? $0
            prompts.insert(Array($0.utf8))
        }
        var other: String?
        do {
            try read(samples) {
                other = other ?? $0
                if prompts.contains(Array($0.utf8)) { throw Shared() }
            }
        } catch is Shared { return }
        guard let first, let other else { return }
        throw configuration.error(
            at: "\(name).samples",
            "none of the prompts of demonstrations is among these: the first are \(first) and \(other)",
            remedy: "sample answers to the prompts of the demonstrations")
    }

    private struct Shared: Error {}

    /// Calls `visit` with the prompt of each row.
    private func read(_ references: [ArtifactReference], visiting visit: (String) throws -> Void) throws {
        for reference in references {
            let files = try sources(of: reference)
            let (onBadRecord, columns) = (configuration.dataset.onBadRecord, configuration.dataset.columns)
            if case .stage = reference {
                try Dataset<Prompt>.read(files, onBadRecord: onBadRecord, columns: columns) {
                    try visit($0.prompt.json.line)
                }
            } else {
                try Dataset<PromptCompletion>.read(files, onBadRecord: onBadRecord, columns: columns) {
                    try visit($0.prompt.json.line)
                }
            }
        }
    }
}

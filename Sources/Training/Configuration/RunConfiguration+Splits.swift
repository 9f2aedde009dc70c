extension RunConfiguration {
    /// The first key, as `ppo.prompts`, that reads one part of a split and nothing else; `nil` where that part may be empty.
    package func reader(ofPart part: String, of split: String) -> String? {
        let reference = ArtifactReference.stage(split, part: part)
        for stage in stages {
            let data = stage.inputs.filter(\.isData)
            for input in data where input.reference == reference {
                if data.allSatisfy({ $0.key != input.key || $0.reference == reference }) {
                    return "\(stage.name).\(input.key)"
                }
            }
        }
        return nil
    }

    /// Checks that no stage reads a part of a split that is empty whatever the pairs.
    package func checkSplits() throws {
        for stage in stages {
            guard case .split(let options) = stage.options, let reader = reader(ofPart: "difficult", of: stage.name)
            else { continue }
            guard options.gamma == 0 || options.quantile == 0 else { continue }
            throw error(
                at: "\(stage.name).\(options.gamma == 0 ? "gamma" : "quantile")",
                "0 makes every pair easy, but \(reader) reads \(stage.name).difficult",
                remedy: "write a larger number, or let \(reader) read something else")
        }
    }
}

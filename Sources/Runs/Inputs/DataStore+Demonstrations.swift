import PreferenceData

extension DataStore {
    /// Pairs of a demonstration and of a sample of the same prompt, within `lengths`; those that say the same are left out.
    ///
    /// - Throws: ``DataError`` as for pairs, and ``RunError`` where no demonstration meets a sample that differs from it.
    package func demonstrations(
        _ demonstrations: [ArtifactReference], before samples: [ArtifactReference], _ lengths: LengthOptions
    ) throws -> (examples: [TokenizedPair], summary: String) {
        let (given, drawn) = (
            try records(demonstrations, as: PromptCompletion.self), try records(samples, as: PromptCompletion.self)
        )
        let matched = DemonstrationPairs(given.records, before: drawn.records)
        let names = { (references: [ArtifactReference]) in references.map(\.description).joined(separator: ", ") }
        guard let first = matched.pairs.first else {
            let prompts = [given, drawn].map { $0.records.first?.prompt.json.line ?? "" }
            throw RunError.other(
                "none of the prompts of \(names(demonstrations)) is among those of \(names(samples)): the first are \(prompts[0]) "
                    + "and \(prompts[1]); sample answers to the prompts of the demonstrations")
        }
        let tokenizer = try tokenizer(within: lengths)
        var tokenized = TokenizedDataset<TokenizedPair>()
        for pair in matched.pairs { try tokenizer.add(pair, to: &tokenized) }
        try tokenizer.checkLeft(of: "demonstrations", in: tokenized)
        let examples = tokenized.examples.filter { $0.chosen != $0.rejected }
        guard !examples.isEmpty else {
            throw RunError.other(
                "\(first.source): this and every other sample says the same as its demonstration, from which nothing is learned; "
                    + "raise the temperature of what draws \(names(samples))")
        }
        let left = [
            (matched.withoutSample, "demonstrations have no sample"),
            (matched.withoutDemonstration, "samples have no demonstration"),
            (tokenized.examples.count - examples.count, "pairs say the same twice"),
        ]
        var notes = left.filter { $0.0 > 0 }.map { "\($0.0) \($0.1)" }
        if drawn.reading.skipped > 0 { notes.append("of the samples \(drawn.reading.text)") }
        let count = "\(examples.count) demonstrations before samples"
        return (examples, ([count, given.reading.text(with: tokenized.summary)] + notes).joined(separator: "; "))
    }
}

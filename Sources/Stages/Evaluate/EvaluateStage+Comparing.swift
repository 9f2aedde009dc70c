import PreferenceData
import Runs
import Training

extension EvaluateStage {
    /// Has judges that compare do so with this worker's share of the prompts, once every policy has answered them.
    ///
    /// Answers of an earlier start count as well as those of this one; what a judge has said of them is in its journal.
    func compare(
        _ drawn: [SampledResponse], to prompts: DataStore.Loaded<Prompt, TokenizedPrompt>, on context: StageContext
    ) throws {
        let judges = options.judges.enumerated().filter { options.isComparing($0.element) }
        guard !judges.isEmpty else { return }
        let matches = PolicyMatches(asked: options.policies.count).all
        let mine = context.workers.share(of: prompts.examples) { $0 }.map(\.index).sorted()
        let responses = responses(drawn, to: mine, on: context)
        // Enough to keep every connection busy, both orders of each.
        let size = max(1, 2 * options.judging.concurrency / options.nSamplesPerPrompt)
        for (number, reference) in judges {
            guard case .openai(let text) = reference else { preconditionFailure("\(reference) compares nothing") }
            let judge = try context.pairJudge(text, isLeft: true)
            for (place, match) in matches.enumerated() {
                for start in stride(from: 0, to: mine.count, by: size) {
                    let part = mine[start..<min(mine.count, start + size)]
                    let items = part.flatMap { index in
                        (0..<options.nSamplesPerPrompt).map { (index: index, sample: $0) }
                    }
                    let verdicts = try judge.verdicts(
                        items.map { item in
                            Comparison(
                                prompt: prompts.records[item.index].prompt,
                                first: responses(match.policy, item.index, item.sample),
                                second: responses(match.other, item.index, item.sample))
                        })
                    try context.link.send(
                        MatchVerdictsMessage(
                            verdicts: zip(items, verdicts).map { item, verdict in
                                MatchVerdict(
                                    judge: number, match: place, index: item.index, sample: item.sample,
                                    verdict: verdict)
                            }))
                    try context.link.report(.advanced(part.count))
                }
            }
        }
    }

    /// The texts of all policies' responses to these prompts.
    private func responses(
        _ drawn: [SampledResponse], to prompts: [Int], on context: StageContext
    ) -> (_ policy: Int, _ index: Int, _ sample: Int) -> String {
        struct Place: Hashable {
            let policy: Int
            let index: Int
            let sample: Int
        }
        let own = Set(prompts)
        let earlier = context.done.isEmpty ? [] : ItemJournal<SampledResponse>.items(in: context.stage.directory)
        var texts: [Place: String] = [:]
        for response in earlier + drawn where own.contains(response.index) {
            texts[Place(policy: response.policy, index: response.index, sample: response.sample)] = response.text
        }
        return { policy, index, sample in
            guard let text = texts[Place(policy: policy, index: index, sample: sample)] else {
                preconditionFailure("policy \(policy) has not answered prompt \(index)")
            }
            return text
        }
    }
}

extension EvaluateOptions {
    /// The judge and the one that it is compared with, where there is one.
    var judges: [ArtifactReference] { [judge] + (otherJudge.map { [$0] } ?? []) }

    /// How many comparisons of two policies judges make of each prompt.
    var comparisonsOfPrompt: Int {
        judges.count(where: isComparing) * PolicyMatches(asked: policies.count).all.count
    }

    /// Whether a judge says which of two responses is better, and gives none a score.
    func isComparing(_ judge: ArtifactReference) -> Bool { judge.isJudge && judging.mode == .pair }

    /// A judge that scores; `nil` for one that compares.
    func scoring(_ judge: ArtifactReference?) -> ArtifactReference? { judge.flatMap { isComparing($0) ? nil : $0 } }
}

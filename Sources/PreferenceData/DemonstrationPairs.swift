/// Demonstrations before what a policy answered to the same prompts, as preference pairs (RFT, arXiv 2405.17888).
///
/// A prompt with several of either has as many pairs as it has of the more numerous: each takes the next one of the other side, and
/// begins anew where there is none left.
package struct DemonstrationPairs: Sendable, Equatable {
    /// The pairs, in the order in which demonstrations name their prompts.
    package private(set) var pairs: [PreferencePair] = []
    /// Demonstrations of whose prompts there is no sample.
    package private(set) var withoutSample = 0
    /// Samples of whose prompts there is no demonstration.
    package private(set) var withoutDemonstration = 0

    package init(_ demonstrations: [PromptCompletion], before samples: [PromptCompletion]) {
        let answers = Dictionary(grouping: demonstrations, by: \.promptKey)
        let drawn = Dictionary(grouping: samples, by: \.promptKey)
        var seen: Set<[UInt8]> = []
        for prompt in demonstrations.map(\.promptKey) where seen.insert(prompt).inserted {
            guard let better = answers[prompt], let worse = drawn[prompt] else {
                withoutSample += answers[prompt]?.count ?? 0
                continue
            }
            for number in 0..<max(better.count, worse.count) {
                let (demonstration, sample) = (better[number % better.count], worse[number % worse.count])
                var pair = PreferencePair(
                    index: pairs.count, source: demonstration.source, prompt: demonstration.prompt,
                    chosen: demonstration.completion, rejected: sample.completion)
                pair.templateVariables = demonstration.templateVariables
                pairs.append(pair)
            }
        }
        withoutDemonstration = samples.count { answers[$0.promptKey] == nil }
    }
}

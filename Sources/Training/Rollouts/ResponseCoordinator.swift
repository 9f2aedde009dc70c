import Runs

/// A coordinator that gathers responses which workers drew and scored.
package protocol ResponseCoordinator: StageCoordinator {
    /// What came so far, from this start and earlier ones.
    var journal: ItemJournal<SampledResponse> { get }
}

extension ResponseCoordinator {
    package var done: Set<ItemKey> { Set(journal.items.map(\.key)) }

    /// All responses, once every policy has given the same of `prompts` prompts `count` responses each.
    ///
    /// - Throws: ``RunError`` where the journal holds something else.
    package func checkedSamples(prompts: Int, policies: Int = 1, each count: Int) throws -> [SampledResponse] {
        try journal.checkedItems { samples in
            let answers = Dictionary(grouping: samples, by: \.key)
            return Set(answers.keys.map(\.index)).count * policies == answers.count
                && answers.allSatisfy { key, responses in
                    (0..<prompts).contains(key.index) && (0..<policies).contains(key.policy)
                        && responses.map(\.sample).sorted().elementsEqual(0..<count)
                }
        }
    }

    package func handle(_ message: StageParcel, from worker: Int) throws -> [Delivery] {
        try journal.append(try message.demand(SampledResponsesMessage.self).responses)
        return []
    }
}

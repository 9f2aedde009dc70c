extension [TokenizedAnswer] {
    /// Gives each prompt a completion that answers another: what KTO's estimate of the divergence is taken over.
    ///
    /// The completions go round one cycle through all answers, a permutation that is a function of the seed and the
    /// number of answers alone. So each is used once, none by its own example, and what a reference says of them can be
    /// computed once for the run. (TRL turns the completions of each process's micro-batch round by one, in an order that
    /// is fixed.)
    ///
    /// - Parameter maxLength: Most tokens of prompt and completion, behind which a completion is cut.
    /// - Precondition: There are at least two answers.
    public func mismatched(seed: UInt64, maxLength: Int?) -> [TokenizedAnswer] {
        precondition(count > 1, "a single completion answers its own prompt")
        let cycle = permutation(count: count, seed: seed, epoch: 0)
        var partners = [Int](repeating: 0, count: count)
        for (place, answer) in cycle.enumerated() { partners[answer] = cycle[place > 0 ? place - 1 : count - 1] }
        return mismatched(with: partners, maxLength: maxLength)
    }

    /// Gives each prompt the completion of the answer that `partners` names for it.
    public func mismatched(with partners: [Int], maxLength: Int?) -> [TokenizedAnswer] {
        precondition(partners.count == count, "\(partners.count) partners of \(count) answers")
        return zip(self, partners).map { answer, partner in
            var answer = answer
            // A prompt leaves room for a token of its own completion, so for one of another's.
            let room = maxLength.map { $0 - answer.prompt.count } ?? .max
            answer.mismatched = [Int32](self[partner].completion.prefix(room))
            return answer
        }
    }
}

import Torch

/// A preference loss: one or several ``Term``s, added with their weights, on pairs that may count unequally.
package struct PreferenceLoss: Sendable {
    /// The name that it was asked for by.
    package let name: String
    /// Strength of the pull to the reference.
    package let beta: Double
    /// The first is the one whose rewards are reported.
    package let terms: [Term]
    /// How much each pair counts; `nil` where all count 1.
    package let weighting: (any PairWeighting)?

    /// A ``Reduction``, a ``PairScore`` and a ``Link``.
    package struct Term: Sendable {
        package var reduction: any Reduction
        package var score: any PairScore
        package var link: any Link
        /// What its losses are multiplied by.
        package var weight: Double
        /// Whether pairs that count less count less here, too.
        package var isOfPreference: Bool
        /// Which pairs it is of, by whose number its losses are divided; `nil` for all, divided as the link has it.
        package var kind: PairKind?

        package init(
            reduction: any Reduction, score: any PairScore, link: any Link, weight: Double = 1,
            isOfPreference: Bool = true
        ) {
            (self.reduction, self.score, self.link) = (reduction, score, link)
            (self.weight, self.isOfPreference) = (weight, isOfPreference)
        }

        package var parts: [any LossPart] { [reduction, score, link] }
        /// What its losses are divided by.
        package var denominator: LossDenominator {
            switch kind {
            case nil: link.denominator
            case .preference: .preferences
            case .demonstration: .demonstrations
            }
        }
        /// What its parts carry from step to step, at the start.
        package var initialState: [Double] { parts.flatMap(\.initialState) }
        /// What its parts need.
        package var needs: LossNeeds { parts.reduce(LossNeeds()) { $0.union($1.needs) } }
    }

    package init(_ name: String, beta: Double, _ terms: [Term], weighting: (any PairWeighting)? = nil) {
        precondition(beta > 0 && !terms.isEmpty, "beta \(beta), \(terms.count) terms")
        (self.name, self.beta, self.terms, self.weighting) = (name, beta, terms, weighting)
    }

    /// A loss of one term.
    package init(
        _ name: String, beta: Double, reduction: any Reduction, score: any PairScore, link: any Link
    ) {
        self.init(name, beta: beta, [Term(reduction: reduction, score: score, link: link)])
    }

    private var parts: [any LossPart] { terms.flatMap(\.parts) }

    /// What all parts need.
    package var needs: LossNeeds {
        parts.reduce(weighting?.needs ?? LossNeeds()) { $0.union($1.needs) }
    }

    /// What the losses of a step are divided by: those of terms, each once.
    package var denominators: [LossDenominator] {
        LossDenominator.allCases.filter { kind in terms.contains { $0.denominator == kind } }
    }

    /// How much a pair with responses of so many tokens adds to each of the ``denominators``.
    package func weights(chosen: Int, rejected: Int, kind: PairKind = .preference) -> [Int] {
        denominators.map { $0.weight(chosen: chosen, rejected: rejected, kind: kind) }
    }

    /// The loss of a micro-batch.
    ///
    /// - Parameters:
    ///   - stepWeights: The ``denominators`` of the whole optimizer step.
    ///   - state: What the loss carries from step to step.
    package func callAsFunction(
        _ batch: PairBatch, stepWeights: [Int], state: [Double]? = nil
    ) -> LossTerm<DPOMetrics> {
        let kinds = batch.kinds
        let lengths = zip(zip(batch.policy.chosenLengths, batch.policy.rejectedLengths), kinds)
        var sums = DPOMetrics.LossSums(denominators) { denominator in
            lengths.reduce(0) { $0 + denominator.weight(chosen: $1.0.0, rejected: $1.0.1, kind: $1.1) }
        }
        if needs.head?.name == KeywordDegrees.headName {
            (sums.degrees, sums.counted) = (batch.headOutputs.detached(), batch.headCounts)
        }
        var (value, rewards): (Tensor?, PairNumbers?)
        var observations: [Double] = []
        let weights = weighting.map { weighting in withoutGradients { weighting(batch) } }
        for (term, asked) in zip(terms, asked(batch, state ?? initialState)) {
            let scores = term.score(asked.pairs)
            var losses = term.link.losses(scores, beta: beta, in: asked.batches[2])
            if term.weight != 1 { losses = losses * term.weight }
            if let weights, term.isOfPreference { losses = losses * weights }
            if let kind = term.kind {
                losses = losses * Tensor(kinds.map { $0 == kind ? Float(1) : 0 }).placed(losses.placement)
            }
            // Where nothing of a kind is in the step, so is nothing in its losses.
            let share = losses.sum() * (1 / Double(max(1, stepWeights[sums.index(of: term.denominator)])))
            value = value.map { $0 + share } ?? share
            sums.add(losses, term.denominator)
            rewards = rewards ?? term.score.rewards(of: asked.pairs)
            observations += zip(term.parts, asked.batches).flatMap { $0.observations(of: scores, in: $1) }
        }
        guard let value, let rewards else { preconditionFailure("a loss without terms") }
        let figures = [rewards.chosen * beta, rewards.rejected * beta] + DPOMetrics.figures(of: batch.policy)
        return LossTerm(value: value, figures: sums.figures + figures, observations: observations) { [sums] in
            DPOMetrics($0, sums)
        }
    }

    /// The scores of a micro-batch's pairs, a list for each term that needs those of the whole step.
    package func scores(of batch: PairBatch, state: [Double]? = nil) -> [[StepPairs.Scores]] {
        zip(terms, asked(batch, state ?? initialState)).filter { $0.0.needs.wholeStep }.map { term, asked in
            let scores = term.score(asked.pairs)
            let (chosen, rejected, margins) = (scores.chosen.numbers, scores.rejected.numbers, scores.margin.numbers)
            return margins.indices.map {
                StepPairs.Scores(chosen: chosen[$0], rejected: rejected[$0], margin: margins[$0])
            }
        }
    }

    /// How many terms need the scores of the whole step.
    package var wholeStepTerms: Int { terms.count { $0.needs.wholeStep } }

    /// What each term sees of a micro-batch: its pairs, and the batch with the state of each of its parts.
    private func asked(_ batch: PairBatch, _ state: [Double]) -> [(pairs: ReducedPairs, batches: [PairBatch])] {
        var states = slices(of: state, parts.map(\.initialState.count))[...]
        var wholeSteps = 0
        return terms.map { term in
            let own = states.prefix(3)
            states = states.dropFirst(3)
            let batches = own.map { batch.with(state: $0, term: wholeSteps) }
            defer { if term.needs.wholeStep { wholeSteps += 1 } }
            let pairs = ReducedPairs(batch, by: term.reduction, in: batches[0])
            return (pairs.with(state: batches[1].state, term: wholeSteps), batches)
        }
    }

    // MARK: What is carried from step to step

    /// The state of all parts at the start.
    package var initialState: [Double] { parts.flatMap(\.initialState) }

    /// How many sums over a step the state moves by.
    package var observationCount: Int { parts.reduce(0) { $0 + $1.observationCount } }

    /// The state after a step with these sums over all micro-batches and ranks.
    package func state(after observations: [Double], from state: [Double]) -> [Double] {
        let states = slices(of: state, parts.map(\.initialState.count))
        let observed = slices(of: observations, parts.map(\.observationCount))
        return parts.indices.flatMap { parts[$0].state(after: observed[$0], from: states[$0]) }
    }

    private func slices(of numbers: [Double], _ counts: [Int]) -> [[Double]] {
        precondition(numbers.count == counts.reduce(0, +), "\(numbers.count) numbers for parts of \(counts)")
        var start = 0
        return counts.map { count in
            defer { start += count }
            return Array(numbers[start..<start + count])
        }
    }
}

extension Link {
    /// The losses `[n]`: of the scores, or of those that are averaged in their place.
    fileprivate func losses(_ scores: PairScores, beta: Double, in batch: PairBatch) -> Tensor {
        guard let first = scores.mixture.first else { return self(scores, beta: beta, in: batch) }
        return scores.mixture.dropFirst().reduce(self(first.scores, beta: beta, in: batch) * first.weights) {
            $0 + self($1.scores, beta: beta, in: batch) * $1.weights
        }
    }
}

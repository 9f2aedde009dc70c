import Configuration

/// A preference loss as a configuration asks for it: one or several by name, parts by name, and the options of all.
package struct LossChoice: Sendable, Equatable {
    /// The names of losses that are added.
    package var types: [String]
    /// What each is multiplied by; 1 where there are none.
    package var weights: [Double]?
    /// Parts that take the place of the loss's own, where there is one.
    package var reduction: String?
    package var score: String?
    package var link: String?
    /// The strength of the tie to the reference.
    package var beta = 0.1
    /// The options of parts and modifiers.
    package var settings = LossSettings()
    /// The losses that there are.
    package let losses: PreferenceLosses

    /// The first of `losses`, alone.
    package init(of losses: PreferenceLosses = .standard) {
        self.losses = losses
        types = losses.names.first.map { [$0] } ?? []
    }

    /// What the choice is called in messages.
    package var name: String { types.joined(separator: ", ") }

    /// The loss.
    ///
    /// - Throws: ``LossConflict`` for options that do not go together, or mean nothing for this loss.
    package func loss() throws(LossConflict) -> PreferenceLoss {
        try checkLists()
        var made = LossTerms(terms: try terms())
        try checkIdle(made)
        for type in losses.modifiers { try settings.modify(by: type, &made) }
        for term in made.terms {
            for part in term.term.parts { if let conflict = part.conflict { throw conflict } }
            if let conflict = term.conflict { throw asGiven(conflict) }
        }
        // What counts nothing is not computed; the first tells the rewards that are reported.
        let counted = made.terms.enumerated().filter { $0.offset == 0 || $0.element.term.weight != 0 }.map(\.element)
        try checkTogether(counted.map(\.term.needs))
        return PreferenceLoss(name, beta: beta, counted.map(\.term), weighting: made.weighting)
    }

    /// The conflict under the key of a part that was asked for, where it is of one that the loss brings itself.
    private func asGiven(_ conflict: LossConflict) -> LossConflict {
        let given = [("link", link), ("score", score), ("reduction", reduction)].compactMap { key, part in
            part.map { _ in key }
        }
        guard !given.contains(conflict.key), let key = given.first else { return conflict }
        return LossConflict(key, conflict.problem, "leave \(key) out")
    }

    /// Refuses parts of which a batch has only one kind.
    private func checkTogether(_ needs: [LossNeeds]) throws(LossConflict) {
        for (what, names) in [
            ("tokens marked", needs.compactMap(\.mask?.name)),
            ("variants of responses", needs.compactMap(\.variants?.name)),
            ("a head", needs.compactMap(\.head?.name)),
        ] {
            guard let other = names.first(where: { $0 != names[0] }) else { continue }
            throw LossConflict(
                "loss_type", "\(name) asks for \(what) in two ways (\(names[0]), \(other))", "leave one of them out")
        }
    }

    /// The terms of the losses, with the parts that were asked for by name.
    private func terms() throws(LossConflict) -> [LossTerms.Named] {
        var named: [LossTerms.Named] = []
        for (index, name) in types.enumerated() {
            guard let form = losses[name] else { throw unknown(name) }
            for var term in form.terms.map({ $0.term(settings) }) {
                term.weight *= weights?[index] ?? 1
                named.append(LossTerms.Named(loss: name, term: term))
            }
        }
        guard !named.isEmpty else { throw LossConflict("loss_type", "is empty", "name a loss") }
        if let reduction, let form = losses.reductions.first(where: { $0.name == reduction }) {
            named[0].term.replaceReduction(by: form.make(settings))
        }
        if let score, let form = losses.scores.first(where: { $0.name == score }) {
            named[0].term.score = form.make(settings)
        }
        if let link, let form = losses.links.first(where: { $0.name == link }) {
            named[0].term.link = form.make(settings)
        }
        return named
    }

    private func unknown(_ name: String) -> LossConflict {
        let all = "losses are \(losses.names.joined(separator: ", "))"
        if let advice = Self.adviceOnUnpaired(name) {
            return LossConflict("loss_type", "'\(name)' is no loss of pairs", "\(advice); \(all)")
        }
        let nearest = NearestName.of(name, in: losses.names)
        return LossConflict(
            "loss_type", "'\(name)' is no loss", nearest.map { "did you mean \($0)? L\(all.dropFirst())" } ?? all)
    }

    // MARK: Checks

    private func checkLists() throws(LossConflict) {
        if let weights, weights.count != types.count {
            throw LossConflict(
                "loss_weights",
                "has \(weights.count) \(weights.count == 1 ? "weight" : "weights") for \(types.count) losses",
                "give one for each loss_type")
        }
        if let weights, weights.allSatisfy({ $0 == 0 }) {
            throw LossConflict("loss_weights", "leave nothing of \(name)", "give one of them a weight above 0")
        }
        if let twice = types.indices.first(where: { types[..<$0].contains(types[$0]) }) {
            throw LossConflict("loss_type", "names \(types[twice]) twice", "give it once, with its weight")
        }
        for (key, part) in [("reduction", reduction), ("score", score), ("link", link)] {
            guard part != nil, types.count > 1 else { continue }
            throw LossConflict(
                key, "is of one loss, and loss_type lists \(types.count)", "name one loss, or leave \(key) out")
        }
    }

    /// Refuses an option that has been set and that no part of the loss reads.
    private func checkIdle(_ made: LossTerms) throws(LossConflict) {
        let standard = LossChoice(of: losses).beta
        if beta != standard, !made.terms.contains(where: \.term.link.readsBeta) {
            throw LossConflict(
                "beta", "has no meaning for \(described)", "name another loss, or leave it at \(standard)")
        }
        var read = made.terms.flatMap { $0.term.parts.flatMap { type(of: $0).optionTypes } }
        read += made.terms.flatMap { ($0.term.reduction as? Mean).map { type(of: $0.base).optionTypes } ?? [] }
        read += types.compactMap { losses[$0] }.flatMap { $0.terms.compactMap(\.weightOptionType) }
        guard let option = losses.idleOption(in: settings, readTypes: Set(read.map { ObjectIdentifier($0) })) else {
            return
        }
        throw LossConflict(
            option.key, "has no meaning for \(described)",
            "use \(option.someReaders), or leave it at \(option.standard)")
    }

    /// The loss in a message, with parts that are not its own.
    package var described: String {
        let parts = [("reduction", reduction), ("score", score), ("link", link)].compactMap { key, part in
            part.map { "\(key) \($0)" }
        }
        return (["loss_type \(name)"] + parts).joined(separator: " with ")
    }
}

extension LossTerms.Named {
    /// Why the term's parts do not go together; `nil` where they do.
    fileprivate var conflict: LossConflict? {
        let (score, link) = (type(of: term.score).name, type(of: term.link).name)
        if term.link.isOfMeanLogps, !(term.score is PolicyLogps && term.reduction is Mean) {
            return LossConflict(
                "link", "\(link) is of the policy's own log-probabilities a token", "use it with loss_type orpo alone")
        }
        if term.score.hasOwnMargin, !term.link.isOfMargin {
            return LossConflict(
                "score", "\(score) changes the difference of two scores, which link \(link) does not read",
                "use a link such as sigmoid or ipo")
        }
        if term.score.isMixture, term.needs.wholeStep || !term.link.initialState.isEmpty {
            return LossConflict(
                "link", "\(link) takes one score a response, and \(score) has one for each reference",
                "use a link such as sigmoid, or score mrpo")
        }
        return nil
    }
}

extension LossSettings {
    fileprivate func modify<Modifier: LossModifier>(
        by _: Modifier.Type, _ terms: inout LossTerms
    ) throws(LossConflict) {
        try self[Modifier.self].apply(to: &terms)
    }
}

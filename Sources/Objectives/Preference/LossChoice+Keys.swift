import Configuration

extension LossChoice: KeyedOptions {
    package init() { self.init(of: .standard) }

    package static var fields: [Field<Self>] { fields(of: .standard) }

    package var fields: [Field<Self>] { Self.fields(of: losses) }

    /// The keys of a stage that has these losses to choose from.
    package static func fields(of losses: PreferenceLosses) -> [Field<Self>] {
        Field<Self>.list {
            Field("beta", \.beta, .strength, "Strength of the tie to the reference.")
            typeField(losses)
            Field(
                "loss_weights", \.weights, .each(.atLeast(0)), default: "1 for each",
                "What each loss is multiplied by, where loss_type lists several.")
            partField("reduction", \.reduction, losses.reductions.map(\.name), "token log-probabilities are summed up")
            partField("score", \.score, losses.scores.map(\.name), "sums are compared with those of references")
            partField("link", \.link, losses.links.map(\.name), "scores of a pair become its loss")
            losses.fields(at: \.settings)
        }
    }

    private static func typeField(_ losses: PreferenceLosses) -> Field<Self> {
        var field = Field<Self>(
            key: "loss_type", summary: "Loss of a pair, or several that are added.",
            kind: "one of \(losses.names.joined(separator: ", ")), or a list of such",
            read: { choice, node in
                guard let names = [String](node), !names.isEmpty, names.allSatisfy({ losses[$0] != nil }) else {
                    return false
                }
                choice.types = names
                return true
            },
            write: { $0.types.count == 1 ? $0.types[0].node : $0.types.node })
        (field.words, field.candidates) = (losses.names, losses.names)
        field.advice = { adviceOnTypes($0, losses) }
        return field
    }

    private static func partField(
        _ key: String, _ path: any WritableKeyPath<Self, String?> & Sendable, _ names: [String], _ how: String
    ) -> Field<Self> {
        var field = Field<Self>(
            key: key, summary: "How \(how), in place of the loss's own way.",
            kind: "one of \(names.joined(separator: ", ")), or null",
            read: { choice, node in
                guard let name = String?(node), name.map(names.contains) ?? true else { return false }
                choice[keyPath: path] = name
                return true
            },
            write: { $0[keyPath: path].node })
        field.candidates = names
        return field
    }
}

// MARK: Advice

extension LossChoice {
    /// Where a loss of answers apart is to be had; `nil` for other names.
    static func adviceOnUnpaired(_ name: String) -> String? {
        UnpairedLoss.Kind(rawValue: name).map { _ in "use a stage of type kto, which learns from answers apart" }
    }

    /// What to write in place of a loss of answers apart, of no loss, and of several that are no list.
    private static func adviceOnTypes(_ found: ConfigurationNode, _ losses: PreferenceLosses) -> String? {
        switch found.content {
        case .null: nil
        case .sequence(let nodes):
            nodes.isEmpty ? form() : nodes.lazy.compactMap { String($0).flatMap(adviceOnUnpaired) }.first
        case .mapping(let entries):
            entries.count > 1 && entries.allSatisfy { losses[$0.key] != nil && Double($0.value) != nil }
                ? form(entries.map { ($0.key, ConfigurationWriter.inline($0.value)) }) : form()
        case .scalar(let text, _):
            if let advice = adviceOnUnpaired(text) {
                advice
            } else if losses[text] == nil, PreferenceLosses.standard[text] != nil {
                "\(text) needs more than a pair that was just drawn: use a stage of type dpo"
            } else {
                form(of: text.split { ", +".contains($0) }.map(String.init), losses)
            }
        }
    }

    private static func form(of names: [String], _ losses: PreferenceLosses) -> String? {
        guard names.count > 1 else { return nil }
        return names.allSatisfy { losses[$0] != nil } ? form(names.map { ($0, "1") }) : form()
    }

    /// How one loss is written, and several.
    private static func form(_ terms: [(name: String, weight: String)] = [("sigmoid", "1"), ("sft", "0.5")]) -> String {
        let (names, weights) = (terms.map(\.name), terms.map(\.weight))
        let list = "[\(names.joined(separator: ", "))] and loss_weights: [\(weights.joined(separator: ", "))]"
        return "write loss_type: \(list)" + (terms.count > 1 ? ", or one name" : "")
    }
}

extension Constraint<Double> {
    /// Of a tie to the reference: what single precision can square, divide by and tell from 0.
    package static var strength: Self { .between(1e-6, 1e6) }
}

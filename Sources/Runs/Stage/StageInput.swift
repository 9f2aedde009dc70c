import Configuration

/// One thing that a stage reads.
package struct StageInput: Sendable, Equatable {
    /// The key of the stage's block that names it.
    package var key: String
    /// What it is.
    package var reference: ArtifactReference
    /// What it is for.
    package var role: InputRole

    package init(key: String, reference: ArtifactReference, role: InputRole) {
        (self.key, self.reference, self.role) = (key, reference, role)
    }

    /// Whether it is rows of data, in place of a model or reward.
    package var isData: Bool { role.kind.rows != nil }

    /// Whether it is asked for scores.
    package var isReward: Bool { role.kind.isReward }
}

/// What a key that names an input names it for.
package struct InputRole: FieldRole, Equatable {
    /// What it has to be.
    package var kind: InputKind
    /// Whether the model that the stage leaves starts from it, and so has its shape.
    package var startsModel = false
    /// Whether it is data to evaluate on, which is not trained on.
    package var isHeldOut = false
    /// Whether a list may be empty.
    package var isOptional = false

    package init(kind: InputKind, startsModel: Bool = false, isHeldOut: Bool = false, isOptional: Bool = false) {
        (self.kind, self.startsModel) = (kind, startsModel)
        (self.isHeldOut, self.isOptional) = (isHeldOut, isOptional)
    }
}

/// What an input of a stage has to be.
package enum InputKind: Sendable, Equatable {
    case policy
    /// A model directory to start from, with whichever head.
    case model
    /// A reward model, a rule or a command.
    case reward
    /// The same, or a column of the rows, for responses that the data has.
    case rowReward
    /// Rows with at least a prompt, read as examples of one kind.
    case rows(RowKind)

    /// Whether it scores.
    package var isReward: Bool { self == .reward || self == .rowReward }

    /// How rows are read; `nil` for what is not data.
    package var rows: RowKind? {
        if case .rows(let kind) = self { kind } else { nil }
    }

    /// The kind in the words of an error message.
    package var noun: String {
        switch self {
        case .policy: "policy"
        case .model: "model"
        case .reward, .rowReward: "reward"
        case .rows: "data"
        }
    }

    /// The noun with its article.
    package var description: String { rows == nil ? "a \(noun)" : noun }

    /// Whether what a stage leaves is such a thing.
    package func accepts(_ output: StageOutput?) -> Bool {
        switch (self, output) {
        case (.policy, .policy), (.model, .policy), (.model, .rewardModel), (.reward, .rewardModel),
            (.rowReward, .rewardModel),
            (.rows, .pairs), (.rows(.completions), .completions), (.rows(.prompts), .completions):
            true
        default: false
        }
    }
}

/// What rows of data are read as, and what becomes of their responses.
package enum RowKind: Sendable, Equatable {
    /// Preference pairs whose responses' tokens are predicted.
    case predictedPairs
    /// Preference pairs whose responses are scored.
    case scoredPairs
    /// Preference pairs that a program is shown as they are, whatever their length.
    case editedPairs
    /// Prompts with a completion whose tokens are predicted.
    case completions
    /// Answers with a label, or the two of a pair, whose tokens are predicted.
    case labeledCompletions
    /// Prompts to be answered.
    case prompts
}

extension Field {
    /// A key that names one or several inputs of a stage.
    package static func input<Value: ConfigurationValue>(
        _ key: String, _ path: any WritableKeyPath<Options, Value> & Sendable, _ kind: InputKind,
        startsModel: Bool = false, isHeldOut: Bool = false, isOptional: Bool = false,
        default defaultText: String? = nil, effect: ResumeEffect = .numerics, _ summary: String
    ) -> Field {
        var field = Field(key, path, default: defaultText, effect: effect, summary)
        if kind.isReward {
            field.advice = { node in
                // A space behind the colon, or nothing, makes a block of it.
                let text = String(node) ?? node.entries?.first.map { "\($0.key):" }
                return text.flatMap(ArtifactReference.form(of:)).map { "write \($0)" }
            }
        }
        field.role = InputRole(
            kind: kind, startsModel: startsModel, isHeldOut: isHeldOut, isOptional: isOptional)
        return field
    }
}

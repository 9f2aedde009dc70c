/// One stage of a run, with every input and option resolved.
package struct StageConfiguration: Sendable, Equatable {
    /// The name, unique in the run.
    package var name: String
    /// The type, with its options.
    package var stage: any Stage

    /// A stage.
    package init(name: String, stage: any Stage) {
        (self.name, self.stage) = (name, stage)
    }

    /// The word for its type.
    package var type: String { stage.type }

    /// Everything that the stage reads.
    package var inputs: [StageInput] { stage.inputs }

    /// The model that the stage's own one starts from; `nil` for a stage that leaves none.
    package var initialModel: ArtifactReference? { inputs.first { $0.role.startsModel }?.reference }

    /// Whether both are of one name and type, with equal options.
    package static func == (left: StageConfiguration, right: StageConfiguration) -> Bool {
        left.name == right.name && left.stage.hasOptions(of: right.stage)
    }
}

extension Stage {
    fileprivate func hasOptions(of other: any Stage) -> Bool { (other as? Self)?.options == options }
}

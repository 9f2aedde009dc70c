import Transformers

/// Everything that a configuration can name, and that grows by a file and a line each.
package struct Registry: Sendable {
    /// Stage types, with the defaults of their options, in the order of the reference.
    package var stages: [any Stage]

    /// What a run does that names no stages.
    package var recipe: [String]
    /// Families of models.
    package var families: ModelFamilies

    package init(stages: [any Stage], recipe: [String] = [], families: ModelFamilies = .standard) {
        (self.stages, self.recipe, self.families) = (stages, recipe, families)
    }

    /// The stage type of that name, with its defaults.
    package func stage(ofType type: String) -> (any Stage)? { stages.first { $0.type == type } }

    /// The words for all stage types.
    package var types: [String] { stages.map(\.type) }

    /// The same with one more stage type, in the place of one of the same name.
    package func adding(_ stage: any Stage) -> Registry {
        var registry = self
        if let index = stages.firstIndex(where: { $0.type == stage.type }) {
            registry.stages[index] = stage
        } else {
            registry.stages.append(stage)
        }
        return registry
    }

    /// The same with one more family of models.
    package func adding(_ family: any ModelFamily.Type) -> Registry {
        Registry(stages: stages, recipe: recipe, families: families.adding(family))
    }
}

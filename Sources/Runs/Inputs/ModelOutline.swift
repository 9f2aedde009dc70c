import Transformers

/// What is known of a model before a run has made it.
package struct ModelOutline {
    /// How it computes.
    package let configuration: ModelConfiguration
    /// What tells apart the weights that it is, or that it stands on.
    package let weights: String
    /// The adapter that it is; `nil` for a whole model.
    package let adapter: AdapterLayout?
}

extension RunConfiguration {
    /// What a model will be: one that a stage leaves goes back to what the stage starts from, as far as stages go.
    ///
    /// - Throws: as ``Transformers/ModelDirectory``, for a directory that is there.
    package func outline(ofModel reference: ArtifactReference) throws -> ModelOutline {
        if case .stage(let name, _) = reference, let maker = stage(named: name), let initial = maker.initialModel {
            let start = try outline(ofModel: initial)
            guard let options = maker.stage.adapter, options.usesAdapter else {
                return ModelOutline(configuration: start.configuration, weights: "stage \(name)", adapter: nil)
            }
            return ModelOutline(
                configuration: start.configuration, weights: start.weights,
                adapter: try start.adapter
                    ?? AdapterLayout(options.new(for: start.configuration), for: start.configuration))
        }
        let model = try ModelStore(RunPlan(self)).model(of: reference)
        return ModelOutline(
            configuration: model.configuration, weights: model.base.url.standardizedFileURL.path,
            adapter: model.adapter?.layout)
    }
}

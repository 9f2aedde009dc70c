import Configuration
import Runs
import Transformers

/// The loss that keeps the experts of a model equally busy.
package struct RouterAuxLossOptions: Sendable, Equatable {
    /// What it is multiplied with before it is added to the loss of the stage; 0 leaves it out.
    package var coefficient = 0.0

    /// Without it.
    package init() {}
}

extension RouterAuxLossOptions {
    static let key = "router_aux_loss_coef"

    /// The key of a stage that has these options.
    package static func field<Options>(at coefficient: any WritableKeyPath<Options, Double> & Sendable) -> Field<
        Options
    > {
        Field(
            key, coefficient, .atLeast(0),
            "What the load-balancing loss of a model with experts is multiplied with before it is added to the loss; 0 leaves it "
                + "out, and another number costs one more pass forward a step. The coefficient in the model's `config.json` is not taken."
        )
    }
}

extension StageStart {
    /// Checks that a model whose routers are to be balanced has some.
    ///
    /// - Throws: ``ConfigurationError``
    package func check(_ options: RouterAuxLossOptions, of initial: ArtifactReference) throws {
        guard options.coefficient > 0 else { return }
        let model = try configuration(ofModel: initial)
        guard model.specification.expertCount == nil else { return }
        throw configuration.error(
            at: "\(name).\(RouterAuxLossOptions.key)",
            "the \(model.modelType) model that the stage starts from has no experts",
            remedy: "leave it out")
    }
}

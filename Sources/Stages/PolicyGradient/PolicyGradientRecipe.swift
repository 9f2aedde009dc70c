import Configuration
import Runs
import Training

/// A stage that improves a policy by its own responses: which parts its updates have, and what its keys are called.
package protocol PolicyGradientRecipe: Sendable {
    /// The word that names the type in a configuration.
    static var type: String { get }
    /// The metrics that tell how it is doing, most telling first.
    static var keyMetrics: [String] { get }
    /// The defaults of its options.
    static var options: PolicyGradientOptions { get }
    /// The keys of its block.
    static var fields: [Field<PolicyGradientOptions>] { get }
    /// The names of keys that trainers call by different ones.
    static var keys: RolloutStepOptions.Keys { get }
    /// What its updates are made of.
    static var parts: PolicyGradientParts { get }
    /// Whether its options read a reference.
    static func needsReference(_ options: PolicyGradientOptions) -> Bool
    /// Checks what its options say together, and fills what follows from it.
    ///
    /// - Throws: ``ConfigurationError``
    static func resolve(_ options: inout PolicyGradientOptions, in scope: StageScope) throws
}

extension PolicyGradientRecipe {
    package static var keys: RolloutStepOptions.Keys { .groups }
    package static var parts: PolicyGradientParts { .chosen }

    /// Refuses what was changed and the surrogate does not read.
    ///
    /// - Parameters:
    ///   - chosen: The word of `loss_type`.
    ///   - words: All that the recipe takes, with the surrogate that each stands for.
    static func checkSurrogate<Word: ConfigurationWord>(
        _ chosen: Word, among words: (Word) -> SurrogateChoice, _ options: PolicyGradientOptions, _ scope: StageScope
    ) throws {
        let surrogate = words(chosen)
        let readers: [(keys: [String], surrogates: [SurrogateChoice])] = [
            (["cliprange", "delta"], [.clip]),
            (["epsilon"], [.clip]),
            (["cliprange_high", "epsilon_high"], [.clip, .cispo]),
            (["sapo_temperature_pos", "sapo_temperature_neg"], [.sapo]),
            (["apa.coef"], [.apa]), (["awr.coef"], [.awr]),
            (["importance_sampling_level"], [.clip, .cispo, .sapo]),
        ]
        for (keys, surrogates) in readers where !surrogates.contains(surrogate) {
            guard let key = keys.first(where: { options.changes($0, of: Self.self) }) else { continue }
            let readers = Word.allCases.filter { surrogates.contains(words($0)) }.map(\.rawValue)
            throw scope.error(
                key, "has no meaning for loss_type \(chosen.rawValue)",
                "leave it out, or use \(readers.alternatives)")
        }
    }
}

extension PolicyGradientOptions {
    /// Whether a key says something else than the recipe does by itself. A resolved configuration gives every key.
    func changes<Recipe: PolicyGradientRecipe>(_ key: String, of _: Recipe.Type) -> Bool {
        var standard = Recipe.options
        standard.criticLearningRate = optimizer.learningRate
        return Recipe.fields.contains { $0.key == key && !$0.isSame(in: self, as: standard) }
    }
}

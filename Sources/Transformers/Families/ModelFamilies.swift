/// The families that a program knows, by their `model_type`.
package struct ModelFamilies: Sendable {
    private var families: [String: any ModelFamily.Type] = [:]

    /// The families that come with the trainer.
    package static let standard = ModelFamilies([
        Gemma.self, Gemma2.self, Gemma3.self, GPT2.self, GPTNeoX.self, GPTOSS.self, Granite.self, Llama.self,
        Mistral.self, Mixtral.self, OLMo2.self, OLMo3.self, Phi3.self, Qwen2.self, Qwen3.self, Qwen3MoE.self,
        SmolLM3.self,
    ])

    /// Knows these families; of two with one `model_type` the later one.
    package init(_ families: [any ModelFamily.Type]) {
        for family in families { self.families[family.modelType] = family }
    }

    /// These families and one more, which stands in the place of one with its `model_type`.
    package func adding(_ family: any ModelFamily.Type) -> ModelFamilies {
        var copy = self
        copy.families[family.modelType] = family
        return copy
    }

    /// The family of a `model_type`; `nil` where none is known.
    package subscript(modelType: String) -> (any ModelFamily.Type)? { families[modelType] }

    /// Every `model_type` that is known, in order of name.
    package var modelTypes: [String] { families.keys.sorted() }
}

/// Gemma 1: Llama's layers with scaled embeddings, norms whose weights are what is added to 1, and GELU gates.
package enum Gemma: ModelFamily {
    package static let modelType = "gemma"
    package static let architectures = ModelArchitectures(prefix: "Gemma")

    package static func specification(_ reader: ModelFileReader) throws(ModelError) -> DecoderSpecification {
        try reader.gemma(.init(maximumPositions: 8192, keyValueHeads: 16), activationKey: "hidden_act") { layer in
            // Released configurations say gelu and mean its approximation, as transformers reads them.
            if layer.feedForward.activation == .gelu { layer.feedForward.activation = .geluTanh }
        }
    }
}

extension ModelFileReader {
    /// What all generations of Gemma share.
    func gemma(
        _ defaults: LlamaDefaults, names: ParameterNames = Llama.names, activationKey: String = "hidden_activation",
        sliding: SlidingLayers = .never, adjust: (inout LayerSpecification) throws(ModelError) -> Void
    ) throws(ModelError) -> DecoderSpecification {
        var defaults = defaults
        (defaults.channels, defaults.tiesEmbeddings) = (256, true)
        defaults.activation = (activationKey, "gelu_pytorch_tanh")
        if try bool("use_bidirectional_attention", default: false) {
            throw error("use_bidirectional_attention", "is true: such a model embeds texts and writes none")
        }
        var specification = try llamaLike(defaults, names: names, sliding: sliding) { (layer) throws(ModelError) in
            layer.norm.isOffset = true
            try layer.readBiases(self)
            try adjust(&layer)
        }
        specification.embeddingScale = Double(specification.width).squareRoot()
        return specification
    }
}

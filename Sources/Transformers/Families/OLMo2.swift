/// OLMo 2: Llama's parts with norms behind attention and feed-forward network, and all heads of queries and of keys normalised
/// together.
package enum OLMo2: ModelFamily {
    package static let modelType = "olmo2"
    package static let architectures = ModelArchitectures(prefix: "Olmo2")

    package static func specification(_ reader: ModelFileReader) throws(ModelError) -> DecoderSpecification {
        try reader.olmo(sliding: .never) { _ in }
    }
}

extension ModelFileReader {
    /// What OLMo 2 and 3 share.
    func olmo(
        sliding: SlidingLayers, adjust: (inout LayerSpecification) throws(ModelError) -> Void
    ) throws(ModelError) -> DecoderSpecification {
        try llamaLike(.init(maximumPositions: 2048, epsilon: 1e-5), names: Gemma2.names, sliding: sliding) {
            (layer) throws(ModelError) in
            try layer.readBiases(self)
            layer.attention.headNorm = .together
            layer.normPlacement = .after
            try adjust(&layer)
        }
    }
}

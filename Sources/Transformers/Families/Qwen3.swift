/// Qwen 3: Llama's layers with queries and keys normalised a head at a time.
package enum Qwen3: ModelFamily {
    package static let modelType = "qwen3"
    package static let architectures = ModelArchitectures(prefix: "Qwen3")

    package static func specification(_ reader: ModelFileReader) throws(ModelError) -> DecoderSpecification {
        try reader.llamaLike(.init(maximumPositions: 32768, channels: 128), sliding: .asked) {
            (layer) throws(ModelError) in
            try layer.readBiases(reader)
            layer.attention.headNorm = .each
        }
    }
}

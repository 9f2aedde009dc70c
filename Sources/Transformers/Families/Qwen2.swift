/// Qwen 2 and 2.5: Llama's layers with biases on queries, keys and values.
package enum Qwen2: ModelFamily {
    package static let modelType = "qwen2"
    package static let architectures = ModelArchitectures(prefix: "Qwen2")

    package static func specification(_ reader: ModelFileReader) throws(ModelError) -> DecoderSpecification {
        try reader.llamaLike(.init(maximumPositions: 32768), sliding: .asked) { $0.attention.inputBias = true }
    }
}

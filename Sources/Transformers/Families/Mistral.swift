/// Mistral 7B and what has its layers: Llama's, each of which sees the last tokens alone where a window is given.
package enum Mistral: ModelFamily {
    package static let modelType = "mistral"
    package static let architectures = ModelArchitectures(prefix: "Mistral")

    package static func specification(_ reader: ModelFileReader) throws(ModelError) -> DecoderSpecification {
        try reader.llamaLike(.init(maximumPositions: 131_072), sliding: .all(window: 4096)) { _ in }
    }
}

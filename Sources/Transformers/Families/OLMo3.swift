/// OLMo 3: OLMo 2's layers, three of four with a window; only the others stretch their positions.
package enum OLMo3: ModelFamily {
    package static let modelType = "olmo3"
    package static let architectures = ModelArchitectures(prefix: "Olmo3")

    package static func specification(_ reader: ModelFileReader) throws(ModelError) -> DecoderSpecification {
        var specification = try reader.olmo(sliding: .listed { !($0 + 1).isMultiple(of: 4) }) {
            (layer) throws(ModelError) in
            layer.attention.rotary = try reader.rotary(
                ofLayers: "full_attention", channels: layer.attention.channels, theta: 500_000)
        }
        try specification.rotateSlidingLayers(by: reader, theta: 500_000)
        return specification
    }
}

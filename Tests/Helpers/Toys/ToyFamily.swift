import Transformers

/// A family that comes from outside the sources: Llama's layers under another name.
enum ToyFamily: ModelFamily {
    static let modelType = "toy"
    static let architectures = ModelArchitectures(prefix: "Toy")

    static func specification(_ reader: ModelFileReader) throws(ModelError) -> DecoderSpecification {
        try Llama.specification(reader)
    }
}

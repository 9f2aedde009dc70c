import Foundation
import JSON

/// What a Hugging Face `config.json` says of a model.
public struct ModelConfiguration: Sendable, Equatable {
    /// The `model_type`, which names the model's family.
    public let modelType: String
    /// How a model of this configuration computes, and what its parameters are called.
    package let specification: DecoderSpecification
    /// The deviation of freshly drawn weights.
    public let initializerRange: Double
    /// The token that starts a text.
    public let bosTokenID: Int32?
    /// Tokens that end a text: those of `config.json`, then further ones of `generation_config.json`.
    public let eosTokenIDs: [Int32]
    /// The token that transformers pads with; nothing is padded here.
    public let padTokenID: Int32?
    /// Whether this is the directory of a model with a score head (`...ForSequenceClassification`).
    public let hasScoreHead: Bool
    /// The names of transformers' classes for such a model.
    let architectures: ModelArchitectures
    /// The file as it was read, to be written back with a saved model.
    let original: JSONObject
    /// `generation_config.json` as it was read.
    let generation: JSONObject

    /// Rows of the embedding table.
    public var vocabularySize: Int { specification.vocabularySize }

    /// The longest sequence the model can compute: learned positions end with their table; `nil` where positions have no bound.
    public var maximumLength: Int? { specification.positionTable }

    /// Why sequences longer than ``maximumLength`` cannot be computed, for a message.
    public var lengthReason: String { "it has learned positions for no more" }

    /// The largest token id that is not among `used`: a padding id for reward models, which transformers scores at the
    /// last token that is not padding. `nil` where all ids are used.
    public func unusedTokenID(besides used: Set<Int32>) -> Int32? {
        (0..<Int32(vocabularySize)).last { !used.contains($0) }
    }

    /// Reads `config.json`, and `generation_config.json` where there is one, in a directory.
    ///
    /// - Parameter families: the families that are known.
    /// - Throws: ``ModelError``, naming file and key.
    package init(directory: URL, families: ModelFamilies = .standard) throws(ModelError) {
        let generation = directory.appending(path: "generation_config.json")
        let there = FileManager.default.fileExists(atPath: generation.path)
        try self.init(
            file: directory.appending(path: "config.json"), generation: there ? generation : nil, families: families)
    }

    /// Reads a configuration file.
    package init(
        file: URL, generation: URL? = nil, families: ModelFamilies = .standard
    ) throws(ModelError) {
        let reader = ModelFileReader(url: file, values: try JSONObject(modelFile: file))
        let further: JSONObject =
            if let generation { try JSONObject(modelFile: generation) } else { JSONObject() }
        modelType = try reader.modelType()
        guard let family = families[modelType] else {
            let known = families.modelTypes.joined(separator: ", ")
            throw reader.error("model_type", "is \(modelType), which is not supported; supported are \(known)")
        }
        original = reader.values
        self.generation = further
        architectures = family.architectures
        specification = try family.specification(reader)
        let vocabularySize = specification.vocabularySize
        initializerRange = try reader.number("initializer_range", in: 0...1, default: 0.02)

        bosTokenID = try reader.tokens("bos_token_id", vocabularySize: vocabularySize).first
        var ends = try reader.tokens("eos_token_id", vocabularySize: vocabularySize)
        if let generation {
            let reader = ModelFileReader(url: generation, values: further)
            for id in try reader.tokens("eos_token_id", vocabularySize: vocabularySize) where !ends.contains(id) {
                ends.append(id)
            }
        }
        eosTokenIDs = ends
        // Some checkpoints name a padding id outside their vocabulary; nothing is padded here.
        padTokenID = try? reader.tokens("pad_token_id", vocabularySize: vocabularySize).first
        hasScoreHead = original["architectures"] == .array([.string(architectures[.score])])
    }
}

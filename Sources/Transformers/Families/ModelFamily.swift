/// A family of models: how its `config.json` is read, and what its parameters and classes are called.
///
/// All that computes, loads, saves or counts reads the specification alone, so a family is one file and its place in
/// ``ModelFamilies``.
package protocol ModelFamily: SendableMetatype {
    /// The `model_type` of its configurations.
    static var modelType: String { get }
    /// The names of transformers' classes for its models.
    static var architectures: ModelArchitectures { get }

    /// What a `config.json` describes.
    ///
    /// Keys that every family shares, such as those of special tokens, are read elsewhere.
    ///
    /// - Throws: ``ModelError`` for a key that is missing or cannot be, and for one that changes what the model computes
    ///   and is not supported.
    static func specification(_ reader: ModelFileReader) throws(ModelError) -> DecoderSpecification
}

/// The names of transformers' classes for a family's models, as `architectures` in `config.json` holds them.
package struct ModelArchitectures: Sendable, Equatable {
    /// The class of a language model.
    package var languageModel: String
    /// The class of a model with a score head.
    package var score: String

    /// The names of a family whose classes begin with `prefix`.
    package init(prefix: String, languageModel: String = "ForCausalLM") {
        self.languageModel = prefix + languageModel
        score = prefix + "ForSequenceClassification"
    }

    /// The names of a family whose classes are called otherwise.
    package init(languageModel: String, score: String) {
        self.languageModel = languageModel
        self.score = score
    }

    /// The class of a model with this head.
    package subscript(head: DecoderHead) -> String {
        switch head {
        case .languageModel: languageModel
        case .score: score
        }
    }
}

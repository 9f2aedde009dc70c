import Torch

/// What a decoder ends in.
public enum DecoderHead: Sendable, Equatable {
    /// Logits over the vocabulary.
    case languageModel
    /// One number a row: a reward, or a critic's value.
    case score
}

/// How a decoder computes: all that loads, runs, saves or counts one reads this, and asks for no family.
public struct DecoderSpecification: Sendable, Equatable {
    /// A normalisation of the last dimension.
    package struct Norm: Sendable, Equatable {
        /// Whether the mean is subtracted, and a bias added.
        package enum Kind: Sendable {
            case rootMeanSquare, layer
        }

        /// What it computes.
        package var kind: Kind
        /// Added to the variance.
        package var epsilon: Double
        /// Whether a weight is what is added to 1 (Gemma).
        package var isOffset: Bool

        package init(kind: Kind, epsilon: Double, isOffset: Bool = false) {
            self.kind = kind
            self.epsilon = epsilon
            self.isOffset = isOffset
        }
    }

    /// Rows of the embedding table.
    package var vocabularySize: Int
    /// Channels of the residual stream.
    package var width: Int
    /// Its blocks, from the embeddings to the head.
    package var layers: [LayerSpecification]
    /// The context the model was made for.
    package var maximumPositions: Int
    /// Rows of a table of positions that is added to the embeddings; `nil` where there is none.
    package var positionTable: Int?
    /// What embeddings are multiplied with (Gemma, Granite).
    package var embeddingScale = 1.0
    /// The norm behind the last layer.
    package var finalNorm: Norm
    /// What logits are divided by (Granite).
    package var logitDivisor = 1.0
    /// Logits z become `cap tanh(z / cap)` (Gemma 2); `nil` where they stay.
    package var logitCap: Double?
    /// Whether the language-model head is the embedding table.
    package var tiesEmbeddings: Bool
    /// The names of parameters in a checkpoint.
    package var names: ParameterNames

    package init(
        vocabularySize: Int, width: Int, layers: [LayerSpecification], maximumPositions: Int, positionTable: Int? = nil,
        finalNorm: Norm, tiesEmbeddings: Bool, names: ParameterNames
    ) {
        self.vocabularySize = vocabularySize
        self.width = width
        self.layers = layers
        self.maximumPositions = maximumPositions
        self.positionTable = positionTable
        self.finalNorm = finalNorm
        self.tiesEmbeddings = tiesEmbeddings
        self.names = names
    }

    /// What products of hidden states and the vocabulary become.
    package func logitShape(temperature: Double = 1) -> LogitShape {
        LogitShape(divisor: logitDivisor, cap: logitCap, temperature: temperature)
    }

    /// Logits from such products.
    func logits(_ products: Tensor) -> Tensor {
        let logits = logitDivisor == 1 ? products : products / logitDivisor
        return logitCap.map { (logits / $0).tanh() * $0 } ?? logits
    }
}

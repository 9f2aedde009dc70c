import Torch

/// A completion that is asked for.
public struct GenerationRequest: Sendable, Equatable {
    /// Token ids to go on from, at least one.
    public var prompt: [Int32]
    /// The key of this completion's own random stream: its draws are a function of this, the model and the prompt
    /// alone.
    public var stream: UInt64
    /// The most tokens to draw, at least one.
    public var maxNewTokens: Int

    /// Asks for one completion.
    public init(prompt: [Int32], stream: UInt64, maxNewTokens: Int) {
        self.prompt = prompt
        self.stream = stream
        self.maxNewTokens = maxNewTokens
    }
}

/// How completions are drawn.
public struct GenerationOptions: Sendable, Equatable {
    /// How tokens are drawn; what it suppresses, it does before `minNewTokens` alone.
    public var sampling: TokenSampling
    /// Tokens that end a completion.
    public var eosTokenIDs: [Int32]
    /// No completion ends before this many tokens.
    public var minNewTokens: Int

    /// Draws from the model's own distribution until a token of `eosTokenIDs`.
    public init(sampling: TokenSampling = TokenSampling(), eosTokenIDs: [Int32], minNewTokens: Int = 0) {
        self.sampling = sampling
        self.eosTokenIDs = eosTokenIDs
        self.minNewTokens = minNewTokens
    }
}

/// What was drawn after a prompt.
public struct Completion: Sendable, Equatable {
    /// Why a completion ended.
    public enum FinishReason: String, Sendable {
        /// It drew a token that ends a text.
        case stop
        /// It reached its most tokens.
        case length
    }

    /// Token ids, the one that ended the completion included.
    public var tokens: [Int32] = []
    /// The log-probability of each token under the full softmax at the sampling temperature.
    public var logps: [Float] = []
    /// Why it ended.
    public var finishReason: FinishReason = .length

    /// A completion without tokens.
    public init() {}
}

/// Why a request cannot be served, in one line.
public enum GenerationError: Error, CustomStringConvertible, Sendable, Equatable {
    /// The prompt of request `index` has no token.
    case emptyPrompt(index: Int)
    /// Request `index` asks for less than one token.
    case nothingToGenerate(index: Int)
    /// A token id outside the vocabulary.
    case unknownToken(Int32, vocabularySize: Int)
    /// Prompt and completion of request `index` are longer than the model can compute.
    case tooLong(index: Int, length: Int, maximum: Int)

    /// One line: what is wrong, and a way out.
    public var description: String {
        switch self {
        case .emptyPrompt(let index): "request \(index) has an empty prompt; at least one token is needed"
        case .nothingToGenerate(let index): "request \(index) asks for no new token"
        case .unknownToken(let id, let size): "token id \(id) is outside the model's vocabulary of \(size)"
        case .tooLong(let index, let length, let maximum):
            "request \(index) needs \(length) positions with its completion, the model has \(maximum); shorten the prompt"
        }
    }
}

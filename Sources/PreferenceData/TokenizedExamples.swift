/// An example in token ids that can be packed into rows: a prompt, and responses that share it.
public protocol PackableExample: Sendable {
    /// Place of its record in the dataset.
    var index: Int { get }
    /// The prompt's tokens; may be empty.
    var prompt: [Int32] { get }
    /// The responses, each with at least one token; none where the prompt alone is a sequence to score.
    var responses: [[Int32]] { get }
    /// The tokens of a response that losses are over: all, or parts in order.
    func learned(ofResponse index: Int) -> [Range<Int>]
    /// Other continuations of the prompt, that a model reads and that nothing predicts; one without tokens is none, in the place
    /// of one.
    var asides: [[Int32]] { get }
}

extension PackableExample {
    /// None, unless said otherwise.
    public var asides: [[Int32]] { [] }

    /// All.
    public func learned(ofResponse index: Int) -> [Range<Int>] { [0..<responses[index].count] }

    /// Those of ``learned(ofResponse:)`` that are predicted: the first token of a response to nothing is not.
    package func predicted(ofResponse index: Int) -> [Range<Int>] {
        guard prompt.isEmpty else { return learned(ofResponse: index) }
        return learned(ofResponse: index).map { min(max(1, $0.lowerBound), $0.upperBound)..<$0.upperBound }
    }

    /// Rows that the example takes: the prompt once, every response, and every aside.
    public var tokenCount: Int {
        prompt.count + responses.reduce(0) { $0 + $1.count } + asides.reduce(0) { $0 + $1.count }
    }

    /// How many tokens of all responses are predicted and learned.
    package var predictedCount: Int {
        responses.indices.reduce(0) { $0 + predicted(ofResponse: $1).reduce(0) { $0 + $1.count } }
    }
}

/// A preference pair in token ids.
public struct TokenizedPair: PackableExample, Equatable {
    /// Place of its record in the dataset.
    public var index: Int
    /// The prompt, up to where a response starts.
    public var prompt: [Int32]
    /// The preferred response, its end token included.
    public var chosen: [Int32]
    /// The other response, its end token included.
    public var rejected: [Int32]
    /// Variants of the preferred response, then as many of the other one, where they were asked for; empty where there is no
    /// such variant that differs from others and from the response.
    public var variants: [[Int32]]

    /// A pair of the record at `index`.
    public init(index: Int, prompt: [Int32], chosen: [Int32], rejected: [Int32], variants: [[Int32]] = []) {
        precondition(variants.count.isMultiple(of: 2), "variants of one response alone")
        self.index = index
        self.prompt = prompt
        self.chosen = chosen
        self.rejected = rejected
        self.variants = variants
    }

    /// `[chosen, rejected]`.
    public var responses: [[Int32]] { [chosen, rejected] }

    /// The variants.
    public var asides: [[Int32]] { variants }

    /// The pair alone.
    package var withoutVariants: TokenizedPair {
        variants.isEmpty ? self : TokenizedPair(index: index, prompt: prompt, chosen: chosen, rejected: rejected)
    }
}

/// A prompt and one response in token ids.
public struct TokenizedCompletion: PackableExample, Equatable {
    /// Place of its record in the dataset.
    public var index: Int
    /// The prompt, up to where a response starts.
    public var prompt: [Int32]
    /// The response, its end token included; of a conversation, all from the first answer on.
    public var completion: [Int32]
    /// The parts of it that are learned; `nil` where all is.
    public var learned: [Range<Int>]?

    /// A completion of the record at `index`.
    public init(index: Int, prompt: [Int32], completion: [Int32], learned: [Range<Int>]? = nil) {
        self.index = index
        self.prompt = prompt
        self.completion = completion
        self.learned = learned
    }

    /// `[completion]`.
    public var responses: [[Int32]] { [completion] }

    /// ``learned``, or all of the completion.
    public func learned(ofResponse index: Int) -> [Range<Int>] { learned ?? [0..<completion.count] }
}

/// A prompt and one answer in token ids, with the answer's label.
public struct TokenizedAnswer: PackableExample, Equatable {
    /// Place among the answers of the dataset, of which a pair has two.
    public var index: Int
    /// Place of its record in the dataset.
    public var record: Int
    /// The prompt, up to where a response starts.
    public var prompt: [Int32]
    /// The answer, its end token included.
    public var completion: [Int32]
    /// The label.
    public var isDesirable: Bool
    /// The completion of another prompt, where one was asked for; see ``Swift/Array/mismatched(seed:maxLength:)``.
    public var mismatched: [Int32]

    /// An answer of the record at `record`.
    public init(
        index: Int, record: Int, prompt: [Int32], completion: [Int32], isDesirable: Bool, mismatched: [Int32] = []
    ) {
        (self.index, self.record, self.prompt) = (index, record, prompt)
        (self.completion, self.isDesirable, self.mismatched) = (completion, isDesirable, mismatched)
    }

    /// `[completion]`.
    public var responses: [[Int32]] { [completion] }
}

/// A prompt in token ids, or any one sequence to be scored at its last token.
public struct TokenizedPrompt: PackableExample, Equatable {
    /// Place of its record in the dataset.
    public var index: Int
    /// The prompt, up to where a response starts.
    public var prompt: [Int32]

    /// A sequence of the record at `index`.
    public init(index: Int, prompt: [Int32]) {
        self.index = index
        self.prompt = prompt
    }

    /// None.
    public var responses: [[Int32]] { [] }
}

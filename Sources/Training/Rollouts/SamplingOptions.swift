import Configuration
import Runs

/// How responses are drawn from a policy.
package struct SamplingOptions: Sendable, Equatable {
    /// Most tokens of a response.
    package var responseLength: Int
    /// What logits are divided by; 0 takes the likeliest token.
    package var temperature: Double
    /// The probability mass that is drawn from.
    package var topP: Double
    /// How many of the likeliest tokens are drawn from; 0 for all.
    package var topK: Int
    /// What ends a response.
    package var stopToken: StopToken = .eos
    /// Sequences that a rank decodes side by side.
    package var generationBatchSize = 32

    /// Sampling with these settings.
    package init(responseLength: Int = 128, temperature: Double = 1, topP: Double = 1, topK: Int = 0) {
        self.responseLength = responseLength
        self.temperature = temperature
        self.topP = topP
        self.topK = topK
    }
}

extension SamplingOptions {
    /// What `top_p` and `top_k` do to PPO, which takes log-probabilities from the whole distribution; `nil` where all of it is
    /// drawn from.
    package func truncationWarning(vocabularySize: Int) -> String? {
        let cuts = (topP < 1 ? ["top_p \(topP)"] : []) + ((1..<vocabularySize).contains(topK) ? ["top_k \(topK)"] : [])
        guard !cuts.isEmpty else { return nil }
        return
            "warning: responses are drawn from the part of the distribution that \(cuts.joined(separator: " and ")) leaves, "
            + "but log-probabilities are those of the whole: they are too low for what is drawn, which biases the KL penalty, "
            + "the ratios and the gradient; write top_p: 1.0 and top_k: 0 to draw from the whole"
    }
}

extension SamplingOptions {
    /// Checks that several responses to a prompt can differ.
    ///
    /// - Throws: ``ConfigurationError``
    package func checkVariety(_ scope: StageScope, samples: Int) throws {
        guard samples > 1 else { return }
        guard temperature > 0 else {
            throw scope.error("temperature", "0 draws the same response every time", "write 1.0")
        }
        guard topK != 1 else {
            throw scope.error("top_k", "1 draws the same response every time", "write 50, or 0 for all tokens")
        }
    }
}

extension SamplingOptions: KeyedOptions {
    package init() { self.init(responseLength: 128) }

    package static let fields = Field<Self>.list {
        Field("response_length", \.responseLength, .atLeast(1), "Most tokens of a response.")
        Field("temperature", \.temperature, .atLeast(0), "What logits are divided by; 0 takes the likeliest token.")
        Field(
            "top_p", \.topP, .aboveZero(upTo: 1),
            "Smallest set of likeliest tokens with this probability is drawn from.")
        Field("top_k", \.topK, .atLeast(0), "Number of likeliest tokens that are drawn from; 0 for all.")
        Field("stop_token", \.stopToken, "What ends a response: eos, none, or the text of a token.")
        Field(
            "generation_batch_size", \.generationBatchSize, .atLeast(1), effect: .rounding,
            "Sequences that a rank decodes side by side.")
    }
}

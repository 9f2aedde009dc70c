/// What gives way where an example is too long (`truncation_mode`).
public enum TruncationMode: String, Sendable, CaseIterable, Codable {
    /// The end of the response goes. A prompt is never cut at its end, which the response answers: one that leaves no
    /// room, or is longer than `max_prompt_length`, drops the example, as TRL does.
    case keepStart = "keep_start"
    /// The start of the prompt goes, behind its BOS token; then the start of the response.
    case keepEnd = "keep_end"
    /// The oldest turns of the prompt go; a single turn loses its start; then the end of the response goes.
    case dropTurns = "drop_turns"
    /// An example that is too long is an error.
    case error
}

/// How long examples may be, in tokens.
public struct LengthLimits: Sendable, Equatable, Codable {
    /// Prompt and response together (`max_length`); `nil` for no limit.
    public var maxLength: Int?
    /// The prompt (`max_prompt_length`); `nil` for what the response leaves.
    public var maxPromptLength: Int?
    /// What gives way.
    public var mode: TruncationMode

    /// Limits in tokens.
    /// - Throws: ``DataError/configuration(key:reason:)`` for limits that leave no room for a prompt and a response.
    public init(maxLength: Int? = nil, maxPromptLength: Int? = nil, mode: TruncationMode = .keepStart) throws {
        if let maxLength, maxLength < 2 {
            throw DataError.configuration(
                key: "max_length", reason: "\(maxLength) leaves no room; it must be 2 or more")
        }
        if let maxPromptLength, maxPromptLength < 1 {
            throw DataError.configuration(
                key: "max_prompt_length", reason: "\(maxPromptLength) leaves no prompt; it must be 1 or more")
        }
        if let maxLength, let maxPromptLength, maxPromptLength >= maxLength {
            throw DataError.configuration(
                key: "max_prompt_length",
                reason: "\(maxPromptLength) leaves no room for a response in max_length \(maxLength)")
        }
        self.maxLength = maxLength
        self.maxPromptLength = maxPromptLength
        self.mode = mode
    }

    /// No limits at all.
    public static let none = LengthLimits()

    private init() {
        maxLength = nil
        maxPromptLength = nil
        mode = .keepStart
    }

    /// The limits that are set, as in a configuration.
    var text: String {
        [maxLength.map { "max_length \($0)" }, maxPromptLength.map { "max_prompt_length \($0)" }]
            .compactMap(\.self).joined(separator: " and ")
    }
}

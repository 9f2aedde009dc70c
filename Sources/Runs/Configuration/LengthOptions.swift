import Configuration
import PreferenceData

/// How long an example may be.
package struct LengthOptions: Sendable, Equatable {
    /// Tokens of prompt and response together.
    package var maxLength = 1024
    /// How long its prompt may be.
    package var prompt = PromptOptions()

    /// The defaults.
    package init() {}

    /// Takes what was not given from the run's dataset block, and checks that the two lengths agree.
    package mutating func inherit(_ scope: StageScope) throws {
        if !scope.given.contains("max_length") { maxLength = scope.run.dataset.lengths.maxLength }
        prompt.inherit(scope)
        if !scope.given.contains("max_prompt_length") {
            prompt.maxPromptLength = min(prompt.maxPromptLength, maxLength - 1)
        }
        guard prompt.maxPromptLength < maxLength else {
            throw scope.error("max_prompt_length", noRoom.problem, noRoom.remedy)
        }
    }

    /// What to say where a prompt of full length leaves no token for the response.
    package var noRoom: (problem: String, remedy: String) {
        (
            "\(prompt.maxPromptLength) leaves no room for a response in max_length \(maxLength)",
            "write at most \(maxLength - 1)"
        )
    }
}

extension LengthOptions: KeyedOptions {
    package static let fields = Field<Self>.list {
        Field("max_length", \.maxLength, .atLeast(2), "Most tokens of prompt and response together.")
        embed(\.prompt)
    }
}

/// How long a prompt may be, and what happens to longer ones.
package struct PromptOptions: Sendable, Equatable {
    /// Tokens of the prompt.
    package var maxPromptLength = 512
    /// How longer prompts are cut.
    package var truncationMode: TruncationMode = .keepStart

    /// The defaults.
    package init() {}

    /// Takes what was not given from the run's dataset block.
    package mutating func inherit(_ scope: StageScope) {
        let run = scope.run.dataset.lengths.prompt
        if !scope.given.contains("max_prompt_length") { maxPromptLength = run.maxPromptLength }
        if !scope.given.contains("truncation_mode") { truncationMode = run.truncationMode }
    }
}

extension PromptOptions: KeyedOptions {
    package static let fields = Field<Self>.list {
        Field("max_prompt_length", \.maxPromptLength, .atLeast(1), "Most tokens of the prompt.")
        Field(
            "truncation_mode", \.truncationMode,
            "What is kept of an example that is too long: its start, but for a prompt that is itself too long, which drops "
                + "it; its end; its latest whole turns; or an error.")
    }
}

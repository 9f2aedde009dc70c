import PreferenceData
import Runs
import Training

/// Data errors of commands that have options, and no configuration whose keys could be changed.
package enum OptionNames {
    /// Runs `body`, whose errors name options in the place of keys, and no way out that the command does not have.
    ///
    /// - Parameter truncates: Whether the command has `--truncation-mode`.
    package static func naming<Result>(truncates: Bool = false, _ body: () throws -> Result) throws -> Result {
        do {
            return try body()
        } catch let error as DataError {
            let mode = truncates ? " or choose another --truncation-mode" : ""
            switch error {
            case .tooLong(let source, let tokens, let limit, let key):
                throw RunError.other("\(source): \(tokens) tokens, but \(option(key)) is \(limit); raise it\(mode)")
            case .nothingLeft(let examples, empty: 0, _, let limits) where !limits.isEmpty:
                throw RunError.other(
                    "no example is left of \(examples): every prompt is too long for \(option(limits)); raise it\(mode)"
                )
            case .configuration(let key, let reason) where key.hasPrefix("max_"):
                throw RunError.other("\(option(key)): \(option(reason))")
            default: throw error
            }
        }
    }

    private static func option(_ text: String) -> String {
        text.replacing("max_length", with: "--max-length").replacing("max_prompt_length", with: "--max-prompt-length")
    }
}

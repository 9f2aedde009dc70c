import Runs
import Training

/// What the program made of the losing answer of a pair.
struct EditedAnswer: Codable, Sendable {
    /// The pair's index in the stage's data.
    var index: Int
    /// The answer as edited; `nil` where the pair is to be left out.
    var completion: String?
}

/// An answer of the program.
struct EditedAnswerMessage: StageMessage {
    static let kind = "edited"
    let answer: EditedAnswer

    init(index: Int, _ completion: String?) { answer = EditedAnswer(index: index, completion: completion) }
}

extension CommandAnswer<String?> {
    /// An answer to take the chosen one's place; `nil` for none.
    package static var completion: Self {
        Self(key: "completion", form: #"{"completion": TEXT} or {"completion": null}"#) {
            value throws(CommandAnswerFault) in
            switch value {
            case .string(""): throw CommandAnswerFault("whose completion is empty (null leaves the pair out)")
            case .string(let text): return text
            case .null: return nil
            default: throw CommandAnswerFault("whose completion is neither text nor null")
            }
        }
    }
}

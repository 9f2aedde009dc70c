import Tokenizers

/// A prompt that can lose its oldest turns, up to a later turn of the user; a system message stays.
struct PromptTurns {
    private enum Turns {
        /// A transcript, and where later turns of the person begin in it.
        case text(String, [String.Index])
        /// What stays in front, the messages, and where later turns of the user begin among them.
        case messages(ArraySlice<ChatMessage>, [ChatMessage], [Int])
    }

    private let turns: Turns

    init(_ prompt: Content) {
        switch prompt {
        case .text(let text): turns = .text(text, Transcript.laterTurns(of: text))
        case .messages(let messages):
            let system = messages.prefix { $0.role == "system" }
            let later = messages.indices.dropFirst(system.count + 1).filter { messages[$0].role == "user" }
            turns = .messages(system, messages, later)
        }
    }

    /// How many turns can go, since one is left.
    var count: Int {
        switch turns {
        case .text(_, let later): later.count
        case .messages(_, _, let later): later.count
        }
    }

    /// The prompt without its oldest `number` turns, 1 to ``count``.
    func dropping(_ number: Int) -> Content {
        switch turns {
        case .text(let text, let later): .text(String(text[later[number - 1]...]))
        case .messages(let system, let messages, let later): .messages(Array(system + messages[later[number - 1]...]))
        }
    }

    /// The prompt without as many of its oldest turns as it takes to fit, or as can go; `nil` where none can.
    func droppingFewest(where fits: (Content) throws -> Bool) rethrows -> Content? {
        guard count > 0 else { return nil }
        // The fewer turns, the fewer tokens: halving takes the logarithm of what trying one after the other would.
        var (fewest, most) = (1, count)
        while fewest < most {
            let middle = (fewest + most) / 2
            if try fits(dropping(middle)) {
                most = middle
            } else {
                fewest = middle + 1
            }
        }
        return dropping(fewest)
    }
}

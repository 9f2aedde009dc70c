import Tokenizers

/// A conversation as one text, and what of it the assistant wrote.
struct RenderedAnswers {
    /// All of the conversation.
    var rendered: PromptRenderer.Rendered
    /// The bytes of the answers to learn from, in order, none of them empty.
    var answers: [Range<Int>]
    /// Whether the template marks them.
    var isMarked: Bool
}

extension PromptRenderer {
    /// The turns of a conversation, and which bytes of its text are answers.
    ///
    /// They are what the template's `{% generation %}` blocks hold, as in transformers. Of a template without them an answer begins
    /// where the model is asked for it, behind the generation prompt, and ends with what the template writes behind its text.
    ///
    /// - Parameter first: The first turn to learn from.
    func renderAnswers(of messages: [ChatMessage], from first: Int) throws -> RenderedAnswers {
        guard let template else { throw missingTemplate }
        let isWanted = messages.map { $0.role == "assistant" && !$0.isMarkedUnlearned }
        if let marked = try template.renderMarked(messages) {
            return RenderedAnswers(
                rendered: Rendered(text: marked.text, takesSpecialTokens: template.takesSpecialTokens),
                answers: try answers(marked.generations, of: messages, isWanted, from: first), isMarked: true)
        }
        let whole = try templated(messages, addGenerationPrompt: false)
        let bytes = Array(whole.text.utf8)
        var answers: [Range<Int>] = []
        for turn in first..<messages.count where isWanted[turn] {
            let range = try bounds(ofTurn: turn, of: messages, in: bytes)
            guard !range.isEmpty, range.lowerBound >= answers.last?.upperBound ?? 0 else {
                throw RenderError.unwrittenAnswer(message: turn + 1)
            }
            answers.append(range)
        }
        return RenderedAnswers(rendered: whole, answers: answers, isMarked: false)
    }

    /// Of the parts that a template marks those of turns to learn from.
    private func answers(
        _ marked: [Range<Int>], of messages: [ChatMessage], _ isWanted: [Bool], from first: Int
    ) throws -> [Range<Int>] {
        let marked = marked.filter { !$0.isEmpty }
        let turns = messages.indices.filter { messages[$0].role == "assistant" }
        if marked.count == turns.count {
            return zip(marked, turns).filter { $1 >= first && isWanted[$1] }.map(\.0)
        }
        guard first == 0, turns.allSatisfy({ isWanted[$0] }) else { throw RenderError.uncountedAnswers }
        return marked
    }

    /// The bytes of one answer in the text of its conversation.
    private func bounds(ofTurn turn: Int, of messages: [ChatMessage], in whole: [UInt8]) throws -> Range<Int> {
        let (start, end) = (try start(ofTurn: turn, of: messages, in: whole), turn + 1)
        let through = try templated(Array(messages[..<end]), addGenerationPrompt: false).text.utf8
        if whole.starts(with: through) { return start..<max(start, through.count) }
        // The answer reads otherwise where the conversation goes on, as where its thought is left out then.
        let other = try replacing(turn, of: messages)
        let content = whole.count - zip(whole.reversed(), other.reversed()).prefix { $0 == $1 }.count
        let after = Array(try textAfterAnswer().utf8)
        let shared = zip(whole[content...], after).prefix { $0 == $1 }.count
        // Half of an end token is none.
        let isWhole = after[shared...].allSatisfy { [0x20, 0x0A].contains($0) }
        return start..<max(start, content + (isWhole ? shared : 0))
    }

    /// Where an answer begins: behind the generation prompt, or where it parts from that.
    private func start(ofTurn turn: Int, of messages: [ChatMessage], in whole: [UInt8]) throws -> Int {
        if turn > 0 {
            let front = Array(messages[..<turn])
            let asked = try templated(front, addGenerationPrompt: true).text.utf8
            if whole.starts(with: asked) { return asked.count }
            if whole.starts(with: try templated(front, addGenerationPrompt: false).text.utf8) {
                return zip(whole, asked).prefix { $0 == $1 }.count
            }
        }
        return zip(whole, try replacing(turn, of: messages)).prefix { $0 == $1 }.count
    }

    /// The conversation with a text alone as one of its turns, that no other begins or ends with.
    private func replacing(_ turn: Int, of messages: [ChatMessage]) throws -> [UInt8] {
        var others = messages
        others[turn] = ChatMessage(role: others[turn].role, content: "\u{E001}")
        return Array(try templated(others, addGenerationPrompt: false).text.utf8)
    }
}

extension ChatMessage {
    /// Whether the data says that it is not to be learned: `train`, `trainable` or `loss` is false, or `weight` is 0.
    var isMarkedUnlearned: Bool {
        ["train", "trainable", "loss"].contains { fields[$0] == .bool(false) } || fields["weight"]?.double == 0
    }
}

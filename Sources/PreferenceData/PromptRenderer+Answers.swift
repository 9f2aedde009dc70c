import JSON
import Tokenizers

/// A conversation as one text, and what of it the assistant wrote.
struct RenderedAnswers {
    /// An answer in the text.
    struct Answer {
        /// Its bytes.
        var bytes: Range<Int>
        /// The text that asks for it, where the conversation does not begin with that: it begins where the two part.
        var asked: String?
    }

    /// All of the conversation.
    var rendered: PromptRenderer.Rendered
    /// The answers to learn from, in order, none of them empty.
    var answers: [Answer]
    /// Whether the template marks them.
    var isMarked: Bool
}

extension PromptRenderer {
    /// The turns of a conversation, and which bytes of its text are answers.
    ///
    /// They are what the template's `{% generation %}` blocks hold, as in transformers. Of a template without them an answer begins
    /// where the model is asked for it, behind the generation prompt, and ends with what the template writes behind its text.
    ///
    /// - Parameter first: The first turn to learn from; what asks for it is not learned.
    func renderAnswers(of messages: [ChatMessage], from first: Int) throws -> RenderedAnswers {
        guard let template else { throw missingTemplate }
        if let marked = try template.renderMarked(messages) {
            let whole = Rendered(text: marked.text, takesSpecialTokens: template.takesSpecialTokens)
            let answers = try answers(marked.generations, of: messages, in: Array(marked.text.utf8), from: first)
            return RenderedAnswers(rendered: whole, answers: answers, isMarked: true)
        }
        let whole = try templated(messages, addGenerationPrompt: false)
        let bytes = Array(whole.text.utf8)
        var answers: [RenderedAnswers.Answer] = []
        for turn in first..<messages.count where messages[turn].isLearned {
            let answer = try answer(ofTurn: turn, of: messages, in: bytes)
            guard !answer.bytes.isEmpty, answer.bytes.lowerBound >= answers.last?.bytes.upperBound ?? 0 else {
                throw RenderError.unwrittenAnswer(message: turn + 1)
            }
            answers.append(answer)
        }
        return RenderedAnswers(rendered: whole, answers: answers, isMarked: false)
    }

    /// Of the parts that a template marks those of turns to learn from.
    private func answers(
        _ marked: [Range<Int>], of messages: [ChatMessage], in whole: [UInt8], from first: Int
    ) throws -> [RenderedAnswers.Answer] {
        var marked = marked.filter { !$0.isEmpty }
        let turns = messages.indices.filter { messages[$0].role == "assistant" }
        if turns.contains(where: { $0 >= first && !messages[$0].isLearned }) {
            guard marked.count == turns.count else { throw RenderError.uncountedAnswers }
            marked = zip(marked, turns).filter { messages[$1].isLearned }.map(\.0)
        }
        guard first > 0 else { return marked.map { RenderedAnswers.Answer(bytes: $0) } }
        let asked = try templated(Array(messages[..<first]), addGenerationPrompt: true).text
        let start = whole.sharedPrefix(Array(asked.utf8))
        return marked.filter { $0.upperBound > start }.map { range in
            let isCut = range.lowerBound <= start && start < asked.utf8.count
            return RenderedAnswers.Answer(
                bytes: max(range.lowerBound, start)..<range.upperBound, asked: isCut ? asked : nil)
        }
    }

    /// One answer in the text of its conversation.
    private func answer(
        ofTurn turn: Int, of messages: [ChatMessage], in whole: [UInt8]
    ) throws -> RenderedAnswers.Answer {
        let (start, asked) = try start(ofTurn: turn, of: messages, in: whole)
        let through = try templated(Array(messages[...turn]), addGenerationPrompt: false).text.utf8
        var end = through.count
        if !whole.starts(with: through) {
            // The answer reads otherwise where the conversation goes on, as where its thought is left out then.
            end = whole.count - whole.sharedSuffix(try replacing(turn, of: messages))
            let after = Array(textAfterAnswer().utf8)
            let shared = zip(whole[end...], after).prefix { $0 == $1 }.count
            // Half of an end token is none.
            if after[shared...].allSatisfy({ [0x20, 0x0A].contains($0) }) { end += shared }
        }
        return RenderedAnswers.Answer(bytes: start..<max(start, end), asked: asked)
    }

    /// Where an answer begins: behind the generation prompt, or where it parts from that.
    private func start(
        ofTurn turn: Int, of messages: [ChatMessage], in whole: [UInt8]
    ) throws -> (start: Int, asked: String?) {
        if turn > 0 {
            let front = Array(messages[..<turn])
            let asked = try templated(front, addGenerationPrompt: true).text
            if whole.starts(with: asked.utf8) { return (asked.utf8.count, nil) }
            if whole.starts(with: try templated(front, addGenerationPrompt: false).text.utf8) {
                return (whole.sharedPrefix(Array(asked.utf8)), asked)
            }
        }
        return (whole.sharedPrefix(try replacing(turn, of: messages)), nil)
    }

    /// The conversation with a text alone as one of its turns, that no other begins or ends with.
    private func replacing(_ turn: Int, of messages: [ChatMessage]) throws -> [UInt8] {
        var others = messages
        others[turn] = ChatMessage(role: others[turn].role, content: "\u{E001}")
        return Array(try templated(others, addGenerationPrompt: false).text.utf8)
    }
}

extension [UInt8] {
    /// How many bytes of UTF-8 both begin with, whole characters of this one.
    fileprivate func sharedPrefix(_ other: [UInt8]) -> Int {
        var count = zip(self, other).prefix { $0 == $1 }.count
        while count > 0, count < self.count, isContinuation(count) { count -= 1 }
        return count
    }

    /// How many bytes of UTF-8 both end with, whole characters of this one.
    fileprivate func sharedSuffix(_ other: [UInt8]) -> Int {
        var start = count - zip(reversed(), other.reversed()).prefix { $0 == $1 }.count
        while start < count, isContinuation(start) { start += 1 }
        return count - start
    }

    private func isContinuation(_ index: Int) -> Bool { self[index] & 0xC0 == 0x80 }
}

extension ChatMessage {
    /// Whether it is an answer that the data does not mark as one to leave out.
    fileprivate var isLearned: Bool { role == "assistant" && !isMarkedUnlearned }

    /// Whether the data says that it is not to be learned: one of ``marks`` is false or 0.
    var isMarkedUnlearned: Bool { Self.marks.contains { fields[$0]?.mark == false } }

    /// What is wrong with what the data says of that, in words that follow where the message stands; `nil` for nothing.
    var faultOfMarks: String? {
        for key in Self.marks {
            guard let value = fields[key], value != .null, value.mark == nil else { continue }
            return
                "has '\(key)': \(value.line.prefix(40)), which is neither true nor false (1 nor 0); write one of these, or take it out"
        }
        return nil
    }

    /// Keys of an answer that say whether it is to be learned.
    private static let marks = ["train", "trainable", "loss", "weight"]
}

extension JSON {
    /// Whether it says yes or no; `nil` for what says neither.
    fileprivate var mark: Bool? {
        if case .bool(let mark) = self { return mark }
        return switch double {
        case 0: false
        case 1: true
        default: nil
        }
    }
}

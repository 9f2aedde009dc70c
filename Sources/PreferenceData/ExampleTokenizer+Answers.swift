import Tokenizers

/// What of an example is learned (`assistant_only_loss`).
public enum LearnedTokens: Sendable, Equatable {
    /// The completion, whoever speaks in it.
    case completion
    /// Every answer of the assistant in a conversation, and in a completion those of it alone.
    case answers
}

extension ExampleTokenizer {
    /// A conversation as an example that is learned where the assistant speaks; `nil` where the limits leave none of that.
    func fitAnswers(
        of record: PromptCompletion, _ summary: inout TokenizationSummary
    ) throws -> TokenizedCompletion? {
        let conversation = try conversation(of: record)
        var encoded = try encode(conversation)
        var dropsTurns = false
        if limits.mode == .dropTurns, encoded.count > limits.maxLength ?? .max,
            let rest = try dropTurns(of: conversation)
        {
            (encoded, dropsTurns) = (rest, true)
        }
        let whole = encoded.example
        guard try cut(&encoded.example, source: record.source), encoded.example.isUsable else { return nil }
        let (completion, all) = (encoded.example.responses[0], whole.responses[0])
        let lost = limits.mode == .keepEnd ? all.count - completion.count : 0
        let first = encoded.example.prompt.isEmpty ? 1 : 0
        let learned = encoded.answers.map { range in
            (range.lowerBound - lost..<range.upperBound - lost).clamped(to: first..<completion.count)
        }.filter { !$0.isEmpty }
        guard let last = learned.last else { return nil }
        summary.answers += learned.count
        summary.templated += 1
        summary.count(encoded.example, of: whole, dropsTurns: dropsTurns)
        return TokenizedCompletion(
            index: record.index, prompt: encoded.example.prompt, completion: Array(completion[..<last.upperBound]),
            learned: learned)
    }

    /// The turns of a record, and from which on its answers are learned.
    private struct Conversation {
        let source: RecordSource
        let messages: [ChatMessage]
        let first: Int
    }

    private struct EncodedAnswers {
        /// What stands in front of the first answer, and all from there to the end of the last one.
        var example: Encoded
        /// The answers, in the tokens of the response.
        var answers: [Range<Int>]

        var count: Int { example.prompt.count + example.responses[0].count }
    }

    private func conversation(of record: PromptCompletion) throws -> Conversation {
        guard case .messages(let prompt) = record.prompt, case .messages(let completion) = record.completion else {
            throw BadRecord(
                source: record.source,
                reason:
                    "it is text, and assistant_only_loss asks for turns; write it as 'messages', or leave the key out")
        }
        guard !renderer.continues(record.prompt) else {
            throw BadRecord(
                source: record.source,
                reason:
                    "its prompt ends in an answer, of which assistant_only_loss does not know where it goes on; write the "
                    + "whole as 'messages'")
        }
        let messages = prompt + completion
        for (index, message) in messages.enumerated() where message.role == "assistant" {
            guard let fault = message.faultOfMarks else { continue }
            throw BadRecord(source: record.source, reason: "message \(index + 1) \(fault)")
        }
        return Conversation(
            source: record.source, messages: messages, first: record.isConversation ? 0 : prompt.count)
    }

    /// The conversation without as many of its oldest turns as it takes to fit, or as there are.
    private func dropTurns(of conversation: Conversation) throws -> EncodedAnswers? {
        func encode(_ rest: Content) throws -> EncodedAnswers {
            let messages = rest.messages ?? []
            let lost = conversation.messages.count - messages.count
            return try self.encode(
                Conversation(source: conversation.source, messages: messages, first: max(0, conversation.first - lost)))
        }
        let turns = PromptTurns(.messages(conversation.messages))
        return try turns.droppingFewest { try encode($0).count <= limits.maxLength ?? .max }.map { try encode($0) }
    }

    private func encode(_ conversation: Conversation) throws -> EncodedAnswers {
        let rendered = try rendering(conversation.source) {
            try renderer.renderAnswers(of: conversation.messages, from: conversation.first)
        }
        let (ids, places, seam) = encode(rendered)
        try checkBOS(ids, source: conversation.source)
        var answers = places.map { rendered.isMarked ? $0 : ended($0, in: ids) }
        guard let start = answers.first?.lowerBound, let last = answers.last else {
            throw BadRecord(
                source: conversation.source, reason: "the chat template writes no answer of it to learn from")
        }
        var response = Array(ids[start..<last.upperBound])
        if !rendered.isMarked {
            let end = ending(Array(ids[last])).dropFirst(last.count)
            response += end
            answers[answers.count - 1] = last.lowerBound..<last.upperBound + end.count
        }
        var example = Encoded(
            .messages(conversation.messages), prompt: Array(ids[..<start]), responses: [response])
        example.seam = seam
        return EncodedAnswers(
            example: example, answers: answers.map { $0.lowerBound - start..<$0.upperBound - start })
    }

    /// An answer through its end token, be that the start of the next turn: what the template writes behind it is no part of it.
    private func ended(_ answer: Range<Int>, in ids: [Int32]) -> Range<Int> {
        let ended = answer.prefix(ending(Array(ids[answer])).count)
        guard let last = ids[ended].last, !endTokens.contains(last), let next = ids.dropFirst(ended.upperBound).first,
            endTokens.contains(next)
        else { return ended }
        return ended.lowerBound..<ended.upperBound + 1
    }

    /// The ids of a conversation and of its answers among them: of the text as one where its tokens do not merge across where
    /// answers begin and end, or where that is not known of the text alone; else of its parts.
    private func encode(_ conversation: RenderedAnswers) -> (ids: [Int32], answers: [Range<Int>], seam: Seam) {
        let bytes = Array(conversation.rendered.text.utf8)
        func front(_ text: String) -> [Int32] {
            encode(
                PromptRenderer.Rendered(
                    text: text, takesSpecialTokens: conversation.rendered.takesSpecialTokens))
        }
        func text(_ part: Range<Int>) -> String { String(decoding: bytes[part], as: UTF8.self) }
        let joint = front(conversation.rendered.text)
        func shared(_ text: String) -> Int { zip(joint, front(text)).prefix { $0 == $1 }.count }
        func ranges(_ places: [Int]) -> [Range<Int>] {
            stride(from: 0, to: places.count, by: 2).map { places[$0]..<max(places[$0], places[$0 + 1]) }
                .filter { !$0.isEmpty }
        }
        let bounds = conversation.answers.flatMap { [$0.bytes.lowerBound, $0.bytes.upperBound] }
        guard conversation.answers.allSatisfy({ $0.asked == nil }) else {
            let places = conversation.answers.flatMap {
                [shared($0.asked ?? text(0..<$0.bytes.lowerBound)), shared(text(0..<$0.bytes.upperBound))]
            }
            return (joint, ranges(places), .earlier)
        }
        let parts = zip([0] + bounds, bounds + [bytes.count]).map { start, end in
            start == 0 ? front(text(start..<end)) : encoder.encode(text(start..<end), addSpecialTokens: false)
        }
        let whole = parts.flatMap(\.self)
        if whole != joint {
            let fronts = bounds.map { front(text(0..<$0)) }
            if fronts.allSatisfy({ joint.starts(with: $0) }) { return (joint, ranges(fronts.map(\.count)), .inside) }
        }
        let places = parts.dropLast().reduce(into: [Int]()) { $0.append(($0.last ?? 0) + $1.count) }
        return (whole, ranges(places), whole == joint ? .inside : .merged)
    }
}

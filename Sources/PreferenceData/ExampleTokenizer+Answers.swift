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
        var encoded = try encodeAnswers(of: record)
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
        summary.promptsTruncated += encoded.example.prompt.count < whole.prompt.count ? 1 : 0
        summary.responsesTruncated += completion.count < all.count ? 1 : 0
        summary.seamsMerged += encoded.isMerged ? 1 : 0
        return TokenizedCompletion(
            index: record.index, prompt: encoded.example.prompt, completion: Array(completion[..<last.upperBound]),
            learned: learned)
    }

    private struct EncodedAnswers {
        /// What stands in front of the first answer, and all from there to the end of the last one.
        var example: Encoded
        /// The answers, in the tokens of the response.
        var answers: [Range<Int>]
        /// Whether tokens would merge across where answers begin or end.
        var isMerged: Bool
    }

    private func encodeAnswers(of record: PromptCompletion) throws -> EncodedAnswers {
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
        let conversation = try rendering(record.source) {
            try renderer.renderAnswers(of: prompt + completion, from: record.isConversation ? 0 : prompt.count)
        }
        let encoded = encode(conversation)
        var answers = encoded.answers.map { range in
            guard !conversation.isMarked else { return range }
            // As in other responses an end token ends it, be it the start of the next turn, and what the template writes behind
            // that is no part of it.
            let ended = range.prefix(ending(Array(encoded.ids[range])).count)
            let next = encoded.ids.dropFirst(ended.upperBound).first
            guard let last = encoded.ids[ended].last, !endTokens.contains(last), let next, endTokens.contains(next)
            else {
                return ended
            }
            return ended.lowerBound..<ended.upperBound + 1
        }
        guard let start = answers.first?.lowerBound, let last = answers.last else {
            throw BadRecord(source: record.source, reason: "the chat template writes no answer of it to learn from")
        }
        var response = Array(encoded.ids[start..<last.upperBound])
        if !conversation.isMarked {
            let end = ending(Array(encoded.ids[last])).dropFirst(last.count)
            response += end
            answers[answers.count - 1] = last.lowerBound..<last.upperBound + end.count
        }
        return EncodedAnswers(
            example: Encoded(record.prompt, prompt: Array(encoded.ids[..<start]), responses: [response]),
            answers: answers.map { $0.lowerBound - start..<$0.upperBound - start }, isMerged: encoded.isMerged)
    }

    /// The ids of a conversation and of its answers among them: of the text as one where its tokens do not merge across where
    /// answers begin and end, else of its parts.
    private func encode(_ conversation: RenderedAnswers) -> (ids: [Int32], answers: [Range<Int>], isMerged: Bool) {
        let bytes = Array(conversation.rendered.text.utf8)
        let takesSpecialTokens = conversation.rendered.takesSpecialTokens
        func ids(_ part: Range<Int>) -> [Int32] {
            let text = String(decoding: bytes[part], as: UTF8.self)
            guard part.lowerBound == 0 else { return encoder.encode(text, addSpecialTokens: false) }
            return encode(PromptRenderer.Rendered(text: text, takesSpecialTokens: takesSpecialTokens))
        }
        let bounds = conversation.answers.flatMap { [$0.lowerBound, $0.upperBound] }
        let parts = zip([0] + bounds, bounds + [bytes.count]).map { ids($0..<$1) }
        let joint = ids(0..<bytes.count)
        var places = parts.dropLast().reduce(into: [Int]()) { $0.append(($0.last ?? 0) + $1.count) }
        var whole = parts.flatMap(\.self)
        if whole != joint {
            let fronts = bounds.map { ids(0..<$0) }
            if fronts.allSatisfy({ joint.starts(with: $0) }) { (whole, places) = (joint, fronts.map(\.count)) }
        }
        let answers = stride(from: 0, to: places.count, by: 2).map { places[$0]..<places[$0 + 1] }
        return (whole, answers.filter { !$0.isEmpty }, whole != joint)
    }
}

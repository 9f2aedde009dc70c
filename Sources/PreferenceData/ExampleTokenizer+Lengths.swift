extension ExampleTokenizer {
    /// Where responses begin.
    enum Seam {
        /// Behind the prompt's ids, with which those of prompt and response begin.
        case inside
        /// Behind the prompt's text, tokenized apart from it.
        case merged
        /// In front of the prompt's end, which the template leaves out where an answer is there.
        case earlier
    }

    /// Token ids of one prompt and the responses to it.
    struct Encoded {
        var prompt: [Int32]
        var responses: [[Int32]]
        var seam = Seam.inside
        /// The prompt as it was encoded, some of its turns left out, and its tokens before they were cut.
        let whole: (content: Content, prompt: [Int32])
        /// Which responses were cut.
        var isCut: [Bool] = []

        init(_ content: Content, prompt: [Int32], responses: [[Int32]]) {
            (self.prompt, self.responses) = (prompt, responses)
            whole = (content, prompt)
        }

        var longestResponse: Int { responses.reduce(0) { max($0, $1.count) } }
        /// Whether there is something to learn from or to answer: an empty prompt predicts no first token.
        var isUsable: Bool {
            responses.isEmpty ? !prompt.isEmpty : responses.allSatisfy { $0.count > (prompt.isEmpty ? 1 : 0) }
        }
    }

    /// Encodes, and cuts to the limits; `nil` where nothing is left.
    func fit(
        _ prompt: Content, _ responses: [Content], source: RecordSource, _ summary: inout TokenizationSummary
    ) throws -> Encoded? {
        var encoded = try encode(prompt, responses, source: source)
        var dropsTurns = false
        if limits.mode == .dropTurns {
            let room = promptRoom(longestResponse: encoded.longestResponse)
            let fits = { (rest: Content) in try encodePrompt(rest, source: source).count <= room }
            if encoded.prompt.count > room, let rest = try PromptTurns(prompt).droppingFewest(where: fits) {
                encoded = try encode(rest, responses, source: source)
                dropsTurns = true
            }
        }
        let whole = encoded
        guard whole.isUsable else {
            summary.empty += 1
            summary.firstEmpty = summary.firstEmpty ?? source
            return nil
        }
        guard try cut(&encoded, source: source), encoded.isUsable else { return nil }
        summary.continued += renderer.continues(prompt) ? 1 : 0
        summary.templated += renderer.usesTemplate(prompt) ? 1 : 0
        summary.count(encoded, of: whole, dropsTurns: dropsTurns)
        encoded.isCut = zip(encoded.responses, whole.responses).map { $0.count < $1.count }
        return encoded
    }

    /// Token ids of variants of a response, to a prompt that fits already; empty for one that is the response itself or is the
    /// same as the one after it, that has no room, or that the chat template refuses.
    ///
    /// A response that was cut has none: their ends would tell them from it.
    func variants(
        of response: Int, _ texts: [Content], in fitting: Encoded, source: RecordSource
    ) throws -> [[Int32]] {
        guard !fitting.isCut[response] else { return texts.map { _ in [] } }
        let room = (limits.maxLength ?? .max) - fitting.prompt.count
        let all = try texts.map { text in
            do {
                let ids = try encode(text, to: fitting, source: source)
                return ids.count <= room ? ids : []
            } catch is BadRecord {
                return []
            }
        }
        return all.indices.map { index in
            let isSame = all[index] == fitting.responses[response] || all.dropFirst(index + 1).first == all[index]
            return isSame ? [] : all[index]
        }
    }

    /// Cuts prompt and responses to the limits; false where the example has to go.
    func cut(_ example: inout Encoded, source: RecordSource) throws(DataError) -> Bool {
        let maxLength = limits.maxLength ?? .max
        let maxPrompt = limits.maxPromptLength ?? .max
        switch limits.mode {
        case .error:
            let count = example.prompt.count + example.longestResponse
            guard example.prompt.count <= maxPrompt else {
                throw .tooLong(source, tokens: example.prompt.count, limit: maxPrompt, key: "max_prompt_length")
            }
            guard count <= maxLength else { throw .tooLong(source, tokens: count, limit: maxLength, key: "max_length") }
        case .keepStart:
            let needed = example.responses.isEmpty ? 0 : 1
            guard example.prompt.count <= min(maxPrompt, maxLength - needed) else { return false }
            example.responses = example.responses.map { Array($0.prefix(maxLength - example.prompt.count)) }
        case .keepEnd:
            let room = min(maxPrompt, max(1, maxLength - example.longestResponse))
            example.prompt = keepingEnd(of: example.prompt, room)
            example.responses = example.responses.map { Array($0.suffix(maxLength - example.prompt.count)) }
        case .dropTurns:
            example.prompt = keepingEnd(of: example.prompt, promptRoom(longestResponse: example.longestResponse))
            example.responses = example.responses.map { Array($0.prefix(maxLength - example.prompt.count)) }
        }
        return true
    }

    /// What a prompt may take under `drop_turns`: its own limit, else what the longest response leaves, at least half.
    private func promptRoom(longestResponse: Int) -> Int {
        guard let maxLength = limits.maxLength else { return limits.maxPromptLength ?? .max }
        return min(limits.maxPromptLength ?? .max, max(maxLength - longestResponse, maxLength / 2))
    }

    /// The last `room` tokens; a BOS token in front stays in front.
    private func keepingEnd(of prompt: [Int32], _ room: Int) -> [Int32] {
        guard prompt.count > room else { return prompt }
        guard let bos = encoder.bosTokenID, prompt.first == bos, room > 1 else { return Array(prompt.suffix(room)) }
        return [bos] + prompt.suffix(room - 1)
    }
}

extension TokenizationSummary {
    /// Counts what became of an example: cut to `encoded`, behind turns that may be gone already.
    mutating func count(
        _ encoded: ExampleTokenizer.Encoded, of whole: ExampleTokenizer.Encoded, dropsTurns: Bool
    ) {
        turnsDropped += dropsTurns ? 1 : 0
        promptsTruncated += encoded.prompt.count < whole.prompt.count ? 1 : 0
        responsesTruncated += zip(encoded.responses, whole.responses).count { $0.count < $1.count }
        seamsMerged += encoded.seam == .merged ? 1 : 0
        seamsEarlier += encoded.seam == .earlier ? 1 : 0
    }
}

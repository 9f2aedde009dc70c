import Tokenizers

extension ExampleTokenizer {
    /// Token ids of a prompt and of each response to it, uncut.
    func encode(_ prompt: Content, _ responses: [Content], source: RecordSource) throws -> Encoded {
        let promptIDs = try encodePrompt(prompt, source: source)
        let joint = try responses.map { response in
            encode(try rendering(source) { try renderer.render(prompt, response) })
        }
        var encoded = Encoded(prompt, prompt: promptIDs, responses: [])
        if joint.allSatisfy({ $0.starts(with: promptIDs) }) {
            encoded.responses = joint.map { ending(Array($0.dropFirst(promptIDs.count))) }
            return encoded
        }
        let (front, isEarlier) = try seam(prompt, responses, source: source)
        if isEarlier {
            // As in TRL: the prompt is what all have in common, in tokens, of which none is cut.
            let shared = joint.reduce(promptIDs.count) { count, ids in
                min(count, zip(promptIDs, ids).prefix { $0 == $1 }.count)
            }
            encoded = Encoded(
                prompt, prompt: Array(promptIDs[..<shared]),
                responses: joint.map { ending(Array($0.dropFirst(shared))) })
            encoded.seam = .earlier
            return encoded
        }
        encoded.seam = .merged
        encoded.responses = try responses.map {
            ending(try encodeApart(prompt, $0, behind: front, source: source))
        }
        return encoded
    }

    /// Token ids of another response to a prompt, made as the first ones were.
    func encode(_ response: Content, to encoded: Encoded, source: RecordSource) throws -> [Int32] {
        let (prompt, ids) = encoded.whole
        if encoded.seam != .merged {
            let joint = encode(try rendering(source) { try renderer.render(prompt, response) })
            if joint.starts(with: ids) { return ending(Array(joint.dropFirst(ids.count))) }
        }
        let front = try rendering(source) { try renderer.render(prompt) }.text
        return ending(try encodeApart(prompt, response, behind: front, source: source))
    }

    /// Token ids of a prompt up to where a response starts.
    func encodePrompt(_ prompt: Content, source: RecordSource) throws -> [Int32] {
        let ids = encode(try rendering(source) { try renderer.render(prompt) })
        try checkBOS(ids, source: source)
        return ids
    }

    /// Throws for ids that begin with two BOS tokens.
    func checkBOS(_ ids: [Int32], source: RecordSource) throws(BadRecord) {
        guard let bos = encoder.bosTokenID, ids.starts(with: [bos, bos]) else { return }
        throw BadRecord(
            source: source,
            reason: "the prompt starts with two BOS tokens (id \(bos)); take BOS out of the text or the chat template")
    }

    /// Without what the tokenizer puts at the end of a text: a prompt goes on, and a response ends in an end token of its own.
    func encode(_ rendered: PromptRenderer.Rendered) -> [Int32] {
        let ids = encoder.encode(rendered.text, addSpecialTokens: rendered.takesSpecialTokens)
        return rendered.takesSpecialTokens ? ids.dropLast(encoder.trailingTokenIDs.count) : ids
    }

    /// Where responses begin in texts whose ids do not begin with the prompt's: behind the prompt, or where they part from it.
    ///
    /// Some templates write into the prompt what they leave out of an answer that is there, such as the start of a thought. The
    /// prompt is then what all have in common, which holds all that was said before.
    private func seam(
        _ prompt: Content, _ responses: [Content], source: RecordSource
    ) throws -> (front: String, isEarlier: Bool) {
        let front = try rendering(source) { try renderer.render(prompt) }.text
        let wholes = try responses.map { response in
            try rendering(source) { try renderer.render(prompt, response) }.text
        }
        if wholes.allSatisfy({ $0.utf8.starts(with: front.utf8) }) { return (front, false) }
        let said = try rendering(source) { try renderer.renderConversation(prompt) }
        guard let said, wholes.allSatisfy({ $0.utf8.starts(with: said.utf8) }) else {
            throw BadRecord(
                source: source,
                reason: "the chat template renders the prompt alone differently from the prompt with a response")
        }
        return (front, true)
    }

    /// The response on its own: the rendered text behind `front`.
    private func encodeApart(
        _ prompt: Content, _ response: Content, behind front: String, source: RecordSource
    ) throws -> [Int32] {
        let front = front.utf8
        let whole = try rendering(source) { try renderer.render(prompt, response) }.text.utf8
        guard whole.starts(with: front) else {
            throw BadRecord(
                source: source,
                reason: "the chat template renders the prompt alone differently from the prompt with a response")
        }
        return encoder.encode(String(Substring(whole.dropFirst(front.count))), addSpecialTokens: false)
    }

    /// Throws ``BadRecord`` where the record is to blame, ``DataError`` where no record could be rendered.
    func rendering<Result>(_ source: RecordSource, _ render: () throws -> Result) throws -> Result {
        do {
            return try render()
        } catch ChatTemplateError.unreadable(let error, let template) {
            throw DataError.unrenderable(source, reason: "\(ChatTemplateError.unreadable(error, template: template))")
        } catch ChatTemplateError.missingToken(let token, let template) {
            throw DataError.unrenderable(
                source, reason: "\(ChatTemplateError.missingToken(token, template: template))")
        } catch RenderError.noTemplate {
            throw DataError.unrenderable(source, reason: "\(RenderError.noTemplate)")
        } catch {
            throw BadRecord(source: source, reason: "\(error)")
        }
    }

    /// The response up to its end token, which is appended where it is missing.
    func ending(_ response: [Int32]) -> [Int32] {
        guard appendsEOS, let end = endTokens.first else { return response }
        if let last = response.last, endTokens.contains(last) { return response }
        if !tail.isEmpty, response.suffix(tail.count).elementsEqual(tail) {
            let body = response.dropLast(tail.count)
            if let last = body.last, endTokens.contains(last) { return Array(body) }
        }
        return response + [end]
    }
}

import JSON
import Tokenizers

extension PreferencePair {
    /// Prompt, chosen and rejected of a line in any layout of a pair.
    static func parts(
        of fields: JSONObject, _ remarks: inout [RecordRemark]
    ) throws(RecordError) -> (Content, Content, Content) {
        try fields.checkColumns()
        let chosen = try response("chosen", of: fields)
        let rejected = try response("rejected", of: fields)
        var parts: (prompt: Content, chosen: Content, rejected: Content)
        if fields.has("prompt") {
            parts = (try fields.content("prompt"), chosen, rejected)
            switch parts {
            case (.text(let text), .messages, .messages):
                // The prompt as text beside whole conversations: the conversations say more.
                parts = try shared(fields, &remarks)
                if !parts.prompt.holds(text) { remarks.append(.unread(column: "prompt")) }
            case (_, .text, .messages), (_, .messages, .text):
                throw RecordError("one of 'chosen' and 'rejected' is a string and the other a list of messages")
            default: try takePromptOff(&parts, &remarks)
            }
        } else {
            parts = try shared(fields, &remarks)
        }
        try fields.checkContext(of: [parts.prompt], &remarks)
        if parts.chosen == parts.rejected { remarks.append(.equalResponses) }
        if parts.chosen.saysNothing || parts.rejected.saysNothing { remarks.append(.emptyResponse) }
        return parts
    }

    /// A response, which must be there.
    private static func response(_ key: String, of fields: JSONObject) throws(RecordError) -> Content {
        if fields.has(key) { return try fields.content(key) }
        if case .null? = fields[key] { throw RecordError("'\(key)' is null, not a string or a list of messages") }
        let why =
            fields.has("completion") && fields.has("label")
            ? "; answers with a label are no pairs: join a good and a bad answer to a prompt, or give them to a "
                + "kto stage"
            : "; write prompt and responses under 'prompt', 'chosen' and 'rejected', or name their columns in dataset.columns"
        throw RecordError("a pair needs 'chosen' and 'rejected'; it has \(fields.keyList)\(fields.wayOutOfList ?? why)")
    }

    /// Takes a prompt off the start of two texts that both repeat it; throws where two lists of messages do.
    private static func takePromptOff(
        _ parts: inout (prompt: Content, chosen: Content, rejected: Content), _ remarks: inout [RecordRemark]
    ) throws(RecordError) {
        switch parts {
        case (.text(let prompt), .text(let chosen), .text(let rejected)):
            let (first, second) = (chosen.withoutRepeated(prompt), rejected.withoutRepeated(prompt))
            guard let first, let second else {
                if first != nil || second != nil { remarks.append(.promptRepeatedOnce) }
                return
            }
            parts = (.text(prompt), .text(first), .text(second))
            remarks.append(.promptRepeated)
        case (.messages(let prompt), .messages(let chosen), .messages(let rejected))
        where chosen.starts(with: prompt) || rejected.starts(with: prompt):
            throw RecordError(
                "'chosen' and 'rejected' repeat the messages of 'prompt'; leave the column 'prompt' out, since the "
                    + "conversations hold it")
        default: return
        }
    }

    /// Takes the common start of two responses as their prompt, where no column names one.
    private static func shared(
        _ fields: JSONObject, _ remarks: inout [RecordRemark]
    ) throws(RecordError) -> (Content, Content, Content) {
        switch (try fields.content("chosen"), try fields.content("rejected")) {
        case (.messages(let first), .messages(let second)):
            let count = zip(first, second).prefix { $0 == $1 }.count
            guard count > 0 else {
                let columns = fields.has("prompt") ? [] : fields.likelyPrompts
                let hint =
                    columns.isEmpty
                    ? "write 'prompt' as a list of messages too"
                    : "write \(columns.map { "'\($0)'" }.joined(separator: ", ")) as a list of messages 'prompt'"
                throw RecordError("chosen and rejected share no leading message; \(hint)")
            }
            guard count < first.count, count < second.count else {
                throw RecordError("chosen and rejected are the same, or one ends where the other goes on")
            }
            return (
                .messages(first[..<count].finished), .messages(Array(first[count...])),
                .messages(Array(second[count...]))
            )
        case (.text(let first), .text(let second)):
            if Transcript.matches(first), Transcript.matches(second) {
                let parts = try Transcript.split(chosen: first, rejected: second)
                return (.text(parts.prompt), .text(parts.chosen), .text(parts.rejected))
            }
            try checkThatNoneIsNamed(fields)
            let parts = try commonStart(first, second)
            guard !parts.prompt.isEmpty else {
                let others = fields.entries.filter { !["chosen", "rejected"].contains($0.key) && $0.value.isText }
                let columns = others.map { "'\($0.key)'" }.joined(separator: ", ")
                throw RecordError(
                    "'prompt' is missing, and chosen and rejected share no beginning; "
                        + (others.isEmpty
                            ? "write one into each row"
                            : "name the column that it is in by dataset.columns: {prompt: NAME} (the row has \(columns))")
                )
            }
            remarks.append(.sharedStart)
            fields.noteOtherTexts(beside: .text(parts.prompt), &remarks)
            return (.text(parts.prompt), .text(parts.chosen), .text(parts.rejected))
        default: throw RecordError("one of 'chosen' and 'rejected' is a string and the other a list of messages")
        }
    }

    /// Throws where a column looks like the prompt: what texts share at their start may then be anything.
    private static func checkThatNoneIsNamed(_ fields: JSONObject) throws(RecordError) {
        let columns = fields.likelyPrompts
        guard columns.isEmpty else {
            throw RecordError(
                "\(JSONObject.renaming(columns)) (or leave \(columns.count == 1 ? "it" : "them") out, where the prompt is "
                    + "what chosen and rejected share at their start)")
        }
        if case .null? = fields["prompt"] {
            throw RecordError(
                "'prompt' is null; fill it, or leave the column out where the prompt is what chosen and rejected share "
                    + "at their start")
        }
    }

    /// Splits two texts behind the last word they share; a space before the next word goes with the responses, where
    /// tokenizers want it.
    private static func commonStart(_ first: String, _ second: String) throws(RecordError) -> (
        prompt: String, chosen: String, rejected: String
    ) {
        let (first, second) = (first.unicodeScalars, second.unicodeScalars)
        let shared = zip(first, second).prefix { $0 == $1 }.count
        guard shared < first.count || shared < second.count else {
            throw RecordError("chosen and rejected are the same text, and no 'prompt' tells where the responses start")
        }
        let end = first.index(first.startIndex, offsetBy: shared)
        var count = 0
        if let space = first[..<end].lastIndex(where: \.properties.isWhitespace) {
            count = first.distance(from: first.startIndex, to: space) + (first[space] == " " ? 0 : 1)
        }
        return (String(first.prefix(count)), String(first.dropFirst(count)), String(second.dropFirst(count)))
    }
}

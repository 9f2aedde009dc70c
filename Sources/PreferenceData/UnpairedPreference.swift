import JSON

/// A prompt with an answer that is desirable or is not, or with one of each: a preference pair, taken apart.
public struct UnpairedPreference: DatasetRecord, Equatable {
    /// What a list of these is called.
    public static let plural = "completions with a label"

    /// An answer and its label.
    public struct Answer: Sendable, Equatable {
        /// The answer.
        public var completion: Content
        /// Its label.
        public var isDesirable: Bool

        /// An answer with its label.
        public init(_ completion: Content, isDesirable: Bool) {
            (self.completion, self.isDesirable) = (completion, isDesirable)
        }
    }

    /// Place among the good records of the dataset, from 0.
    public var index: Int
    /// Where it was read.
    public var source: RecordSource
    /// What is answered.
    public var prompt: Content
    /// One answer; the chosen and then the rejected one of a pair.
    public var answers: [Answer]
    /// What its row tells the chat template beside the turns.
    public var templateVariables = JSONObject()

    /// A record that was made, not read.
    public init(index: Int, source: RecordSource, prompt: Content, answers: [Answer]) {
        (self.index, self.source, self.prompt, self.answers) = (index, source, prompt, answers)
    }

    /// Reads `{prompt, completion, label}` or `{messages, label}`, the label being `true` or `false`, or a pair in any
    /// layout of ``PreferencePair``.
    public init(fields: JSONObject, index: Int, source: RecordSource, remarks: inout [RecordRemark]) throws {
        do throws(RecordError) {
            (prompt, answers) = try Self.parts(of: fields, &remarks)
            templateVariables = try fields.templateVariables(beside: prompt)
            (self.index, self.source) = (index, source)
        } catch {
            throw BadRecord(source: source, reason: error.reason)
        }
    }
}

extension UnpairedPreference {
    private static func parts(
        of fields: JSONObject, _ remarks: inout [RecordRemark]
    ) throws(RecordError) -> (Content, [Answer]) {
        for key in ["ref_logps", "ref_KL_logps", "ref_chosen_logps", "ref_rejected_logps"] where fields.has(key) {
            remarks.append(.givenSums(column: key))
        }
        guard fields.has("completion") || fields.has("messages") else { return try pair(fields, &remarks) }
        for key in ["chosen", "rejected"] where fields.has(key) {
            throw RecordError(
                "'\(key)' stands beside '\(fields.has("completion") ? "completion" : "messages")'; leave the one or the "
                    + "other out, to read the record as a pair or as an answer with a label")
        }
        let isDesirable = try label(of: fields)
        let (prompt, completion) = try PromptCompletion.parts(of: fields, learnsAll: true, &remarks)
        remarks.append(.labeled)
        return (prompt, [Answer(completion, isDesirable: isDesirable)])
    }

    private static func pair(
        _ fields: JSONObject, _ remarks: inout [RecordRemark]
    ) throws(RecordError) -> (Content, [Answer]) {
        guard fields.has("chosen") || fields.has("rejected") else {
            throw RecordError(
                "an answer with a label needs 'prompt', 'completion' and 'label', or 'messages' and 'label'; it has "
                    + fields.keyList
                    + (fields.wayOutOfConversation ?? fields.wayOutOfList
                        ?? "; rename its columns to these, or name them in dataset.columns")
            )
        }
        if case .bool? = fields["label"] {
            throw RecordError(
                "'label' stands beside 'chosen' and 'rejected', which are desirable and undesirable by name; leave it out"
            )
        }
        let (prompt, chosen, rejected) = try PreferencePair.parts(of: fields, &remarks)
        remarks.append(.takenApart)
        return (prompt, [Answer(chosen, isDesirable: true), Answer(rejected, isDesirable: false)])
    }

    private static func label(of fields: JSONObject) throws(RecordError) -> Bool {
        switch fields["label"] {
        case .bool(let label)?: return label
        case nil where fields.has("kto_tag"):
            throw RecordError("it has no 'label'; rename 'kto_tag' to 'label'")
        case nil:
            throw RecordError("it has no 'label'; write true for a desirable answer and false for another")
        case .number(let text)? where ["0", "1"].contains(text):
            throw RecordError("'label' is \(text), not true or false; write \(text == "1") in its place")
        case .string(let text)? where ["true", "false"].contains(text.lowercased()):
            throw RecordError("'label' is the text '\(text)', not true or false; write it without quotes")
        case let other?:
            throw RecordError("'label' is \(other.kind); write true for a desirable answer and false for another")
        }
    }
}

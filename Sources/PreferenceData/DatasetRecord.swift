import JSON

/// A record that a line of a dataset can be read as.
public protocol DatasetRecord: Sendable {
    /// What a list of them is called, for messages: "preference pairs".
    static var plural: String { get }

    /// Whether a record has answers: a row of those of which none is better is then left out, and read for its prompt otherwise.
    static var readsAnswers: Bool { get }

    /// Place among the good records of the dataset, from 0: what orders, scores and splits refer to.
    var index: Int { get }

    /// Where the record comes from.
    var source: RecordSource { get }

    /// What is answered.
    var prompt: Content { get }

    /// What its row tells the chat template beside the turns, such as `tools`.
    var templateVariables: JSONObject { get }

    /// Reads the record from the fields of a line, or throws a ``BadRecord``; `remarks` gets what is odd about it.
    init(fields: JSONObject, index: Int, source: RecordSource, remarks: inout [RecordRemark]) throws
}

extension DatasetRecord {
    /// What tells its prompt from others, with what the chat template is told beside it.
    package var promptKey: [UInt8] { Array((prompt.json.line + JSON.object(templateVariables).line).utf8) }
}

/// A record that keeps every field of its line.
package protocol RowRecord: DatasetRecord {
    /// Every field of the line it was read from, in order.
    var fields: JSONObject { get }
}

extension DatasetRecord {
    /// True, unless a record says otherwise.
    public static var readsAnswers: Bool { true }
}

extension PreferencePair: RowRecord {}
extension Prompt: RowRecord {}

/// A prompt with a better and a worse response.
public struct PreferencePair: DatasetRecord, Equatable {
    /// What a list of these is called.
    public static let plural = "preference pairs"

    /// Place among the good records of the dataset, from 0.
    public var index: Int
    /// Where it was read.
    public var source: RecordSource
    /// What both responses answer.
    public var prompt: Content
    /// The preferred response.
    public var chosen: Content
    /// The other response.
    public var rejected: Content
    /// What its row tells the chat template beside the turns.
    public var templateVariables = JSONObject()
    /// Every field of the line it was read from, in order; what a split writes back.
    public var fields: JSONObject

    /// A pair that was made, not read; its fields are `prompt`, `chosen` and `rejected`.
    public init(index: Int, source: RecordSource, prompt: Content, chosen: Content, rejected: Content) {
        self.index = index
        self.source = source
        self.prompt = prompt
        self.chosen = chosen
        self.rejected = rejected
        fields = JSONObject()
        fields["prompt"] = prompt.json
        fields["chosen"] = chosen.json
        fields["rejected"] = rejected.json
    }

    /// Reads `{prompt, chosen, rejected}`, or `{chosen, rejected}` whose common start is the prompt.
    ///
    /// Without `prompt`, lists of messages share their leading messages; Anthropic transcripts all up to the last
    /// `\n\nAssistant:` (see ``Transcript``); other texts all up to the last white space before they differ.
    public init(fields: JSONObject, index: Int, source: RecordSource, remarks: inout [RecordRemark]) throws {
        do throws(RecordError) {
            let parts = try Self.parts(of: fields, &remarks)
            self.index = index
            self.source = source
            (prompt, chosen, rejected) = parts
            templateVariables = try fields.templateVariables(beside: prompt)
            self.fields = fields
        } catch {
            throw BadRecord(source: source, reason: error.reason)
        }
    }
}

/// A prompt with one response to learn from.
public struct PromptCompletion: DatasetRecord, Equatable {
    /// What a list of these is called.
    public static let plural = "prompts with completions"

    /// Place among the good records of the dataset, from 0.
    public var index: Int
    /// Where it was read.
    public var source: RecordSource
    /// What the completion answers; empty for plain `text`.
    public var prompt: Content
    /// The response.
    public var completion: Content
    /// Whether both are one conversation, in which earlier answers may be learned from too.
    public var isConversation = false
    /// What its row tells the chat template beside the turns.
    public var templateVariables = JSONObject()

    /// A record that was made, not read.
    public init(index: Int, source: RecordSource, prompt: Content, completion: Content) {
        self.index = index
        self.source = source
        self.prompt = prompt
        self.completion = completion
    }

    /// Reads `{prompt, completion}`, `{text}`, `{messages}` (the last message is the completion), or the chosen side
    /// of a pair.
    public init(fields: JSONObject, index: Int, source: RecordSource, remarks: inout [RecordRemark]) throws {
        do throws(RecordError) {
            let parts = try Self.parts(of: fields, &remarks)
            self.index = index
            self.source = source
            (prompt, completion) = parts
            isConversation = !fields.has("completion") && !fields.has("chosen") && fields.has("messages")
            templateVariables = try fields.templateVariables(beside: prompt)
        } catch {
            throw BadRecord(source: source, reason: error.reason)
        }
    }
}

/// A prompt to answer.
public struct Prompt: DatasetRecord, Equatable {
    /// What a list of these is called.
    public static let plural = "prompts"

    /// It has none.
    public static let readsAnswers = false

    /// Place among the good records of the dataset, from 0.
    public var index: Int
    /// Where it was read.
    public var source: RecordSource
    /// The prompt.
    public var prompt: Content
    /// What its row tells the chat template beside the turns.
    public var templateVariables = JSONObject()
    /// Every field of the line it was read from, in order.
    public var fields: JSONObject

    /// A prompt that was made, not read.
    public init(index: Int, source: RecordSource, prompt: Content) {
        self.index = index
        self.source = source
        self.prompt = prompt
        fields = JSONObject()
        fields["prompt"] = prompt.json
    }

    /// Reads `{prompt}` from any layout that has one, the prompt that a pair `{chosen, rejected}` shares, or
    /// `{messages}` up to the last answer.
    public init(fields: JSONObject, index: Int, source: RecordSource, remarks: inout [RecordRemark]) throws {
        do throws(RecordError) {
            prompt = try Self.prompt(of: fields, &remarks)
            templateVariables = try fields.templateVariables(beside: prompt)
            self.index = index
            self.source = source
            self.fields = fields
        } catch {
            throw BadRecord(source: source, reason: error.reason)
        }
    }
}

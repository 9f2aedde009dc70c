import JSON
import Tokenizers

extension JSONObject {
    /// What a row tells the chat template beside the turns of `prompt`: `tools`, as a list or as its JSON text, `documents`, a list of
    /// objects or its JSON text beside turns, and what `chat_template_kwargs` holds, which counts before the configuration's.
    func templateVariables(beside prompt: Content) throws(RecordError) -> JSONObject {
        var variables = JSONObject()
        if let tools = self["tools"], !tools.isBlank { variables["tools"] = try tools.toolList() }
        if let documents = self["documents"]?.documentList, prompt.messages != nil {
            variables["documents"] = documents
        }
        guard let others = self["chat_template_kwargs"], !others.isBlank else { return variables }
        guard case .object(let others) = others else {
            throw RecordError("'chat_template_kwargs' is \(others.kind), not an object of a template's variables")
        }
        if let key = others.keys.first(where: ChatTemplate.ownVariables.contains) {
            throw RecordError("'chat_template_kwargs' has '\(key)', which each conversation brings; take it out")
        }
        guard others["date"] == nil else {
            throw RecordError(
                "'chat_template_kwargs' has 'date', which is the run's (chat_template_kwargs.date); take it out")
        }
        // Files whose columns have one type for all rows write null where nothing is said.
        for entry in others.entries where entry.value != .null && variables[entry.key] == nil {
            variables[entry.key] = entry.value
        }
        return variables
    }
}

extension JSON {
    /// A list that is not empty, of objects alone, or what is such a list as JSON text.
    var documentList: JSON? {
        let list = if case .string(let text) = self { try? JSON(parsing: text) } else { self }
        guard case .array(let items)? = list, !items.isEmpty,
            items.allSatisfy({ if case .object = $0 { true } else { false } })
        else { return nil }
        return list
    }

    /// Definitions of functions, which files whose columns have one type for all rows hold as JSON text.
    fileprivate func toolList() throws(RecordError) -> JSON {
        var tools = self
        if case .string(let text) = self {
            guard let parsed = try? JSON(parsing: text) else { throw RecordError("'tools' is a text, but not of JSON") }
            tools = parsed
        }
        guard case .array(let items) = tools else {
            throw RecordError("'tools' is \(tools.kind), not a list of the functions that may be called")
        }
        return items.isEmpty ? .null : tools
    }
}

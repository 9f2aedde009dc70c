import JSON
import Tokenizers

extension PreferencePair {
    /// Prompt and responses as a program is shown them, and the row's other columns behind.
    package var content: JSONObject {
        JSONObject(uniqueKeysWithValues: [
            ("prompt", prompt.json), ("chosen", chosen.json), ("rejected", rejected.json),
        ]).extended(by: fields.otherColumns)
    }

    /// A text as a response of the rejected one's form: among messages it has the role of that one's last.
    package func response(_ text: String) -> Content {
        switch rejected {
        case .text: .text(text)
        case .messages(let messages): .messages([ChatMessage(role: messages.last?.role ?? "assistant", content: text)])
        }
    }

    /// The pair's fields with another chosen response; the one that it had stays as `original_chosen`.
    ///
    /// What the fields say of that response is no longer true of the new one, so columns with "chosen" in their names, and those
    /// that go with them (`gap`, `margin`, `ref_rejected_logps`), get `original_` before their names too. A pair that has been
    /// through this keeps what it had at first.
    package func fields(choosing response: Content) -> JSONObject {
        var fields = JSONObject()
        let (prompt, lead) = layout
        if let prompt { fields["prompt"] = prompt }
        fields["chosen"] = lead + response
        fields["rejected"] = lead + rejected
        for entry in self.fields.entries {
            switch entry.key {
            case "prompt" where prompt != nil, "rejected": continue
            case let key where Self.isOfChosen(key):
                if self.fields["original_\(key)"] == nil {
                    fields["original_\(key)"] = key == "chosen" ? lead + chosen : entry.value
                }
            default: fields[entry.key] = entry.value
            }
        }
        return fields
    }

    /// The prompt as its column has it, and what stands before both responses in theirs. An answer that ends the prompt of two
    /// conversations, and would be continued in a column, stays where it is.
    private var layout: (prompt: JSON?, lead: [ChatMessage]) {
        if case .messages(let messages) = prompt, let last = messages.last, last.isFinished, last.role == "assistant" {
            return (nil, messages)
        }
        return (prompt.json, [])
    }

    private static func isOfChosen(_ key: String) -> Bool {
        let key = key.lowercased()
        guard !key.hasPrefix("original_") else { return false }
        return key.contains("chosen") || ["gap", "margin", "ref_rejected_logps"].contains(key)
    }
}

/// A response behind the messages that its column begins with.
private func + (lead: [ChatMessage], response: Content) -> JSON {
    guard case .messages(let messages) = response else { return response.json }
    return Content.messages(lead + messages).json
}

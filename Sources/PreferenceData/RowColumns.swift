import JSON

// What a row says beside its prompt and responses: rules and programs may read it, models never do.

extension JSONObject {
    /// The columns of a row beside those that layouts take its prompt and its responses from.
    package var otherColumns: JSONObject { columns { !Self.layout.contains($0) } }

    /// Those of ``otherColumns`` that stay true when its prompt gets other responses: none that tells of the ones it had, such as
    /// `margin`, `label` or `ref_chosen_logps`.
    package var promptColumns: JSONObject { columns { !Self.layout.contains($0) && !Self.isOfResponses($0) } }

    /// With the entries of another object behind these; a key that is here keeps its value.
    package func extended(by other: JSONObject) -> JSONObject {
        other.entries.reduce(into: self) { object, entry in
            if object[entry.key] == nil { object[entry.key] = entry.value }
        }
    }

    private func columns(where isKept: (String) -> Bool) -> JSONObject {
        JSONObject(uniqueKeysWithValues: entries.filter { isKept($0.key) }.map { ($0.key, $0.value) })
    }

    private static let layout: Set<String> = ["prompt", "completion", "chosen", "rejected", "messages"]

    private static func isOfResponses(_ key: String) -> Bool {
        let key = key.lowercased()
        return key.contains("chosen") || key.contains("rejected")
            || ["gap", "margin", "label", "kto_tag", "score", "source_index"].contains(key)
    }
}

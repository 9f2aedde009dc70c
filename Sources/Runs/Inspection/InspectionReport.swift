import JSON
import PreferenceData
import Tokenizers

/// Rows of token ids as people read them.
package struct InspectionReport {
    /// What becomes of the marked tokens of a response.
    package enum Mask: String {
        /// Their log-probabilities enter the loss.
        case predicted
        /// The reward model's score is taken at them.
        case scored
        /// Responses are yet to be drawn.
        case none
    }

    package let stage: StageConfiguration
    package let tokenizer: Tokenizer
    package let endTokens: [Int32]
    /// Which template writes prompts.
    package let template: (_ records: [any DatasetRecord]) -> String
    /// How many rows are shown.
    package let rows: Int
    package private(set) var text = ""

    package init(stage: StageConfiguration, text: TextPipeline, rows: Int) {
        self.stage = stage
        tokenizer = text.tokenizer
        endTokens = text.endTokens
        template = text.templateText
        self.rows = rows
    }

    /// Adds the summary of all examples and the first rows.
    ///
    /// - Parameter names: What the responses of an example are called, in order.
    package mutating func add<Record, Example>(
        _ data: DataStore.Loaded<Record, Example>, mask: Mask, names: [String]
    ) {
        addSummary(data.summary, data.records)
        text += "\n" + LengthTable(data.examples, names: names).render()
        for example in data.examples.prefix(rows) {
            add(example, of: data.records[example.index], mask: mask, names: names)
        }
    }

    /// Adds the same of answers with a label, of which a record may have two.
    package mutating func add(_ data: DataStore.Loaded<UnpairedPreference, TokenizedAnswer>) {
        addSummary(data.summary, data.records)
        text += "\n" + LengthTable(data.examples, names: ["completion"]).render()
        for example in data.examples.prefix(rows) {
            add(
                example, of: data.records[example.record], mask: .predicted,
                names: [example.isDesirable ? "desirable" : "undesirable"])
        }
    }

    private mutating func addSummary(_ summary: String, _ records: [any DatasetRecord]) {
        text += "\(stage.name) (\(stage.type)): \(summary)\n\(template(records))\n"
        let ends = endTokens.map { "\($0) \(visible($0))" }.joined(separator: ", ")
        text += "responses end in \(ends)\n"
    }

    /// Adds the summary of all pairs that a program is to be shown, and the first lines that it reads.
    package mutating func add(_ data: Dataset<PreferencePair>) {
        text += "\(stage.name) (\(stage.type)): \(data.reading.text)\n"
        for pair in data.records.prefix(rows) {
            text += "\nrow \(pair.index + 1) (\(pair.source)):\n\(JSON.object(pair.content).line)\n"
        }
    }

    private mutating func add(
        _ example: some PackableExample, of record: some DatasetRecord, mask: Mask, names: [String]
    ) {
        let counts = (["prompt"] + names).enumerated().map { column, name in
            "\(name) \(column == 0 ? example.prompt.count : example.responses[column - 1].count)"
        }
        text += "\nrow \(example.index + 1) (\(record.source)): \(counts.joined(separator: " + ")) tokens\n"
        for warning in warnings(example, names) { text += "warning: \(warning)\n" }
        for (name, ids) in zip(["prompt"] + names, [example.prompt] + example.responses) where !ids.isEmpty {
            text += "\(name):\n\(rendered(ids))"
        }
        add("prompt", example.prompt, from: 0, marked: [], mask)
        for (sequence, name) in names.enumerated() {
            let tokens = example.responses[sequence]
            let marked =
                switch mask {
                case .predicted: example.predicted(ofResponse: sequence)
                case .scored: [tokens.count - 1..<tokens.count]
                case .none: [Range<Int>]()
                }
            add(name, tokens, from: example.prompt.count, marked: marked, mask)
        }
    }

    private mutating func add(_ name: String, _ tokens: [Int32], from position: Int, marked: [Range<Int>], _ mask: Mask)
    {
        var table = TextTable([name, "id", "token"] + (mask == .none ? [] : [mask.rawValue]))
        for (offset, token) in tokens.enumerated() {
            table.add(
                ["\(position + offset)", "\(token)", visible(token)]
                    + (mask == .none ? [] : [marked.contains { $0.contains(offset) } ? "yes" : "no"]))
        }
        text += table.render()
    }

    /// What would make training odd without stopping it.
    private func warnings(_ example: some PackableExample, _ names: [String]) -> [String] {
        var warnings: [String] = []
        for (index, (name, response)) in zip(names, example.responses).enumerated() {
            if let bos = tokenizer.specialTokens.bos?.id, !endTokens.contains(bos) {
                let whole = example.prompt + response
                if zip(whole, whole.dropFirst()).contains(where: { $0 == bos && $1 == bos }) {
                    warnings.append("two BOS tokens (id \(bos)) in a row in the prompt or \(name)")
                } else if !example.prompt.isEmpty, response.first == bos {
                    warnings.append("\(name) starts with a BOS token (id \(bos)) of its own")
                }
            }
            if example.learned(ofResponse: index).contains(where: {
                response[$0].dropLast().contains(where: endTokens.contains)
            }) {
                warnings.append("\(name) has an end token before its last one; sampled responses would stop there")
            }
        }
        return warnings
    }

    /// What ids stand for, special tokens with it, each line behind a bar.
    private func rendered(_ ids: [Int32]) -> String {
        let lines = tokenizer.decode(ids, skipSpecialTokens: false).split(
            omittingEmptySubsequences: false, whereSeparator: { $0 == "\n" })
        return lines.map { "  │ \(Self.escaping($0))\n" }.joined()
    }

    /// A line with what cannot be seen of it written as `\u{...}`.
    private static func escaping(_ line: Substring) -> String {
        line.unicodeScalars.map { scalar in
            switch scalar.properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator:
                scalar == "\t" ? "\t" : "\\u{\(String(scalar.value, radix: 16))}"
            default: String(scalar)
            }
        }.joined()
    }

    /// A token as one visible word.
    private func visible(_ id: Int32) -> String {
        let token = tokenizer.token(of: id) ?? "?"
        let isPlain = token.unicodeScalars.allSatisfy { $0.properties.isGraphemeBase && $0 != " " }
        return isPlain && !token.isEmpty ? token : JSON.quoted(token, .invisible)
    }
}

import Configuration

/// The reference of all keys, made from the same lists that read them.
package enum ConfigurationReference {
    /// Markdown tables of keys, what they take, defaults and meanings: the top level, `dataset`, rounds, each stage
    /// type's own keys, and those that several types share.
    package static func markdown(_ registry: Registry) -> String {
        let stages = registry.stages.map { (type: $0.type, rows: rows(of: $0)) }
        let all = stages.flatMap(\.rows)
        let shared = all.filter { row in all.count { $0.isSameKey(as: row) } > 1 }
        var sections = [
            ("Top level", table(rows(RunConfiguration.fields, RunConfiguration()))),
            ("`dataset`", table(rows(DatasetOptions.fields, DatasetOptions()))),
            ("Rounds in `stages`", table(rows(Rounds.fields, Rounds())) + "\n" + rounds),
        ]
        for (type, rows) in stages {
            let own = rows.filter { row in !shared.contains { $0.isSameKey(as: row) } }
            let others = rows.filter { row in shared.contains { $0.isSameKey(as: row) } }.map { "`\($0.key)`" }
            let note = others.isEmpty ? "" : "\nAlso, from below: \(others.joined(separator: ", ")).\n"
            sections.append(("`\(type)`", table(own) + note))
        }
        sections.append(("Keys of several stages", table(merge(stages))))
        return sections.map { "### \($0)\n\n\($1)" }.joined(separator: "\n")
    }

    private static let rounds = """
        `stages: [sft, reward, {rounds: 3, of: [sample, dpo]}, evaluate]` is written out as `round-1-sample`, `round-1-dpo`,
        `round-2-sample` and so on, by which names plan, metrics, directories and `--print-config` go.

        - The block `dpo` serves every round. Keys of a block `round-2-dpo` stand over it in that round, wherever either was
          written: `--set dpo.beta=0.2` does not reach a round whose own block gives `beta`, `--set round-2-dpo.beta=0.2` does.
        - In a round `sample` is the one of this round, and `previous.dpo` (`previous.split.easy`) that of the round before.
          In the first round that is what `first` says, such as `first: sft` or `first: {dpo: sft, split.easy: pairs.jsonl}`;
          without it the only stage before the rounds that leaves the like, and for a policy `base` where there is none.
        - Behind the rounds `dpo` is the last round's; `round-2-dpo` names another.
        - An input that is left out takes a stage of the own round before others, and behind the rounds one of the last.

        """

    private struct Row {
        let key: String
        let kind: String
        var standard: String
        let summary: String

        func isSameKey(as other: Row) -> Bool {
            key == other.key && kind == other.kind && summary == other.summary
        }
    }

    private static func rows<S: Stage>(of stage: S) -> [Row] { rows(stage.fields, stage.options) }

    private static func rows<Options: KeyedOptions>(_ fields: [Field<Options>], _ defaults: Options) -> [Row] {
        fields.map { field in
            let standard = field.defaultText ?? "`\(ConfigurationWriter.inline(field.write(defaults)))`"
            return Row(key: field.key, kind: field.kind, standard: standard, summary: field.summary)
        }
    }

    /// Shared keys, once each; where defaults differ, each with its stages.
    private static func merge(_ stages: [(type: String, rows: [Row])]) -> [Row] {
        var merged: [Row] = []
        for row in stages.flatMap(\.rows) where !merged.contains(where: { $0.isSameKey(as: row) }) {
            let uses = stages.compactMap { type, rows in
                rows.first { $0.isSameKey(as: row) }.map { (stage: type, standard: $0.standard) }
            }
            guard uses.count > 1 else { continue }
            var standards: [(text: String, stages: [String])] = []
            for use in uses {
                if let index = standards.firstIndex(where: { $0.text == use.standard }) {
                    standards[index].stages.append(use.stage)
                } else {
                    standards.append((use.standard, [use.stage]))
                }
            }
            var result = row
            if standards.count > 1 {
                result.standard = standards.map { "\($0.text) (\($0.stages.joined(separator: ", ")))" }.joined(
                    separator: "; ")
            }
            merged.append(result)
        }
        return merged
    }

    private static func table(_ rows: [Row]) -> String {
        "| key | value | default | meaning |\n|---|---|---|---|\n"
            + rows.map { "| `\($0.key)` | \($0.kind) | \($0.standard) | \($0.summary) |\n" }.joined()
    }
}

import Foundation
import JSON
import TestSupport
import Testing

@Suite("What is kept of samples", .serialized, .enabled(if: RunWorkspace.hasNeeds, RunWorkspace.needs))
struct KeptSamplesTests {
    /// Responses of many lengths, to prompts that come with other columns.
    private static let stages = """
        dataset: {train: rows.jsonl, max_length: 96, max_prompt_length: 48}
        stages: [sample, sft]
        sample: {policy: base, prompts: ./rows.jsonl, reward: "rule:count:the", n_samples_per_prompt: 3, \
        response_length: 24, stop_token: "."}
        sft: {data: sample, max_steps: 1, train_batch_size: 4}
        """

    @Test(
        "keep: above writes each good text once a prompt, in order and with the row's columns, on any number of ranks")
    func above() throws {
        try RunWorkspace.with { workspace in
            try prepare(workspace)
            let keys = ["sample.keep=above", "sample.keep_threshold=2"]
            for ranks in [1, 3] { try workspace.train(ranks: ranks, ["output_dir=on\(ranks)"] + keys) }
            let path = "stages/01-sample/completions.jsonl"
            #expect(try workspace.data("on1/\(path)") == workspace.data("on3/\(path)"))
            #expect(try workspace.weights("on1", "02-sft") == workspace.weights("on3", "02-sft"))
            let rows = try workspace.rows("on1/\(path)")
            #expect(rows.map(\.keys).allSatisfy { $0 == ["prompt", "completion", "score", "id", "tags"] })
            for row in rows {
                let count = (row["completion"]?.text ?? "").lowercased().matches(of: /\bthe\b/).count
                #expect(row["score"]?.double == Double(count) && count >= 2)
            }
            // Two rows have one prompt, whose samples differ by their luck alone.
            let ids = rows.compactMap { $0["id"]?.integer }
            #expect(ids.count == rows.count && ids == ids.sorted())
            #expect(Set(rows.map { [$0["prompt"]?.text, $0["completion"]?.text] }).count == rows.count)
            guard
                case .object(let summary) = try JSON(
                    parsing: String(decoding: workspace.data("on1/stages/01-sample/summary.json"), as: UTF8.self))
            else { throw CancellationError() }
            let number = { (key: String) in summary[key]?.integer ?? -1 }
            #expect(number("samples") == 51 && number("prompts") == 17 && number("kept") == rows.count)
            #expect(number("good") == number("kept") + number("duplicates"))
            let none = try workspace.train(
                ranks: 3, status: 2, ["output_dir=none", "sample.keep=above", "sample.keep_threshold=99"])
            #expect(none.errors.contains("none of 51 responses is kept: scores by rule:count:the lie between 0"))
        }
    }

    @Test("keep: all writes every sample behind the token of its class, and the policy may be asked behind one")
    func all() throws {
        try RunWorkspace.with { workspace in
            try prepare(workspace)
            let keys = ["sample.keep=all", "sample.keep_threshold=1", "sample.return_tokens=[Good. , Bad. ]"]
            try workspace.train(["output_dir=all"] + keys)
            let rows = try workspace.rows("all/stages/01-sample/completions.jsonl")
            #expect(rows.count == 51)
            let tokens = rows.map { ($0["score"]?.double ?? -1) >= 1 ? "Good." : "Bad." }
            #expect(Set(tokens).count == 2)
            let prompts = try workspace.rows("rows.jsonl").compactMap { $0["prompt"]?.text }
            for (index, (row, token)) in zip(rows, tokens).enumerated() {
                #expect(row["prompt"]?.text == token + prompts[index / 3])
            }
            try workspace.train(["output_dir=behind", "sample.prompt_prefix=Good. "] + keys)
            let behind = try workspace.rows("behind/stages/01-sample/completions.jsonl")
            #expect(zip(rows, behind).contains { $0["completion"] != $1["completion"] })
            #expect(behind.allSatisfy { $0["prompt"]?.text?.contains("Good.Good.") == false })
        }
    }

    @Test("keep: clusters makes pairs of agreeing answers over others, on any number of ranks")
    func clusters() throws {
        try RunWorkspace.with { workspace in
            try prepare(workspace)
            let keys = [
                "stages=[sample]", "sample.keep=clusters", "sample.response_length=2", "sample.n_samples_per_prompt=6",
                "sample.top_k=3", "sample.reward=rule:length:2",
            ]
            for ranks in [1, 3] { try workspace.train(ranks: ranks, ["output_dir=on\(ranks)"] + keys) }
            let path = "stages/01-sample/pairs.jsonl"
            #expect(try workspace.data("on1/\(path)") == workspace.data("on3/\(path)"))
            let rows = try workspace.rows("on1/\(path)")
            #expect(!rows.isEmpty && rows.count < 17)
            #expect(rows.allSatisfy { $0["chosen"] != $0["rejected"] && $0["id"] != nil })
            let unheard = try workspace.train(status: 2, ["output_dir=none", "sample.keep_threshold=1.0"] + keys)
            #expect(unheard.errors.contains("of none of 17 prompts do a share of 1.0 of the responses agree"))
        }
    }

    @Test("Responses of equal scores make no pair, which is told, and an end where there is no other")
    func equalScores() throws {
        try RunWorkspace.with { workspace in
            try prepare(workspace)
            let keys = ["stages=[sample]", "sample.reward=rule:contains:the"]
            let told = try workspace.train(["output_dir=some"] + keys)
            let rows = try workspace.rows("some/stages/01-sample/pairs.jsonl")
            let score = { (row: JSONObject, key: String) in row[key]?.double ?? .nan }
            #expect(!rows.isEmpty && rows.count < 17)
            #expect(rows.allSatisfy { score($0, "chosen_reward") > score($0, "rejected_reward") }, "\(rows)")
            #expect(
                told.errors.contains(
                    "\(rows.count) pairs; the responses to \(17 - rows.count) prompts have equal scores"),
                "\(told.errors)")
            let none = try workspace.train(
                ranks: 3, status: 2, ["output_dir=none", "stages=[sample]", "sample.reward=rule:contains:zzz"])
            #expect(
                none.errors.contains("sample: the responses to each of 17 prompts have equal scores"), "\(none.errors)")
        }
    }

    @Test("A row's columns reach programs through the stages that pass it on", arguments: [1, 3])
    func columns(ranks: Int) throws {
        try RunWorkspace.with { workspace in
            try prepare(workspace)
            try workspace.write(
                """
                while IFS= read -r line; do
                    case "$line" in
                        '{"prompt": '*', "completion": '*', "id": '*', "tags": ["a b", null]'*) printf '{"score": 0.%d}\\n' $((${#line} % 10)) ;;
                        *) echo "not as it should be: $line" >&2; exit 3 ;;
                    esac
                done
                """, to: "score.sh")
            let score = "command:sh score.sh"
            let result = try workspace.train(
                ranks: ranks,
                [
                    "stages=[sample, split, ppo, evaluate]", "sample.temperature=3", "sample.top_p=1", "sample.top_k=0",
                    "sample.reward=\(score)", "split.reward=\(score)",
                    "ppo.reward=\(score)", "ppo.prompts=split.difficult", "ppo.init=base",
                    "ppo.max_steps=1", "ppo.rollout_batch_size=4", "ppo.response_length=4",
                    "evaluate.judge=rule:number:id", "evaluate.prompts=./rows.jsonl", "evaluate.policies=base",
                    "evaluate.num_prompts=3", "evaluate.response_length=2",
                ])
            #expect(result.errors.contains("maj@1"), "\(result.errors)")
            let row = try #require(try workspace.rows("out/stages/02-split/difficult.jsonl").first)
            #expect(
                row.keys == [
                    "prompt", "chosen", "rejected", "id", "tags", "chosen_reward", "rejected_reward", "gap",
                    "source_index",
                ])
        }
    }

    @Test("A column that a rule needs and a row lacks is refused before the first step", arguments: [1, 3])
    func missing(ranks: Int) throws {
        try RunWorkspace.with { workspace in
            try prepare(workspace)
            let keys = ["stages=[sample]", "sample.reward=rule:number:ids"]
            let result = try workspace.train(ranks: ranks, status: 2, keys)
            let lines = result.errors.split(separator: "\n").filter {
                $0.hasPrefix("mpo: ") && $0.contains("rows.jsonl")
            }
            #expect(lines.count == 1, "\(result.errors)")
            #expect(
                lines.first?.hasSuffix(
                    "rows.jsonl:1: 'ids' is missing, which reward rule:number:ids compares responses with; did you mean 'id'?"
                )
                    == true, "\(result.errors)")
            #expect(!workspace.has("out/stages/01-sample"))
        }
    }

    /// Openings with numbers and tags; the last is the first again.
    private func prepare(_ workspace: RunWorkspace) throws {
        try workspace.addOpenings()
        var lines = try workspace.rows("prompts.jsonl")
        lines.append(lines[0])
        try workspace.write(
            lines.enumerated().map { index, row in
                var row = row
                row["id"] = .number(index)
                row["tags"] = .array([.string("a b"), .null])
                return JSON.object(row).line + "\n"
            }.joined(), to: "rows.jsonl")
        try workspace.configure(Self.stages)
    }
}

extension RunWorkspace {
    /// The objects of a file of JSON lines.
    func rows(_ path: String) throws -> [JSONObject] {
        try String(decoding: data(path), as: UTF8.self).split(separator: "\n").map { line in
            guard case .object(let row) = try JSON(parsing: String(line)) else { throw CancellationError() }
            return row
        }
    }
}

import Foundation
import TestSupport
import Testing

@Suite("Commands on a model: tokenize, score, generate")
struct ModelCommandTests {
    @Test("tokenize writes the ids of each line that the tokenizers library gives, with BOS or without")
    func tokenize() throws {
        let expected = try Expected()
        let texts = expected.tokens.keys.sorted()
        try Workspace.with { workspace in
            let input = texts.joined(separator: "\n") + "\n\n"
            let ids = try workspace.mpo("tokenize", "--model", "policy", input: input).lines
            #expect(ids == texts.map { "\(expected.tokens[$0] ?? [])" } + ["[1]"])
            let bare = try workspace.mpo("tokenize", "--model", "policy", "--no-special-tokens", input: input).lines
            #expect(bare == texts.map { "\((expected.tokens[$0] ?? []).dropFirst())" } + ["[]"])
        }
    }

    @Test("tokenize takes nothing off a line but its line feed, and refuses what is not UTF-8 text")
    func tokenizeBytes() throws {
        try Workspace.with { workspace in
            func ids(_ text: String) throws -> String {
                try workspace.mpo("tokenize", "--model", "policy", input: text).output
            }
            #expect(try ids("a\r\n\r") != ids("a\n"))
            #expect(try ids("a\r\nb") == ids("a\r") + ids("b"))
            // It is told by its bytes, not by what it says, whether an input is text.
            for text in ["<html>", "PAR1", "BZh"] { #expect(try ids(text + "\na") == ids(text) + ids("a")) }
            let failure = try workspace.mpo("tokenize", "--model", "policy", input: "[\u{0}\"\u{0}a\u{0}", status: 2)
            #expect(failure.lastError.contains("standard input: it is UTF-16LE text"))
        }
    }

    @Test("Text needs no chat template: score and generate read it whatever template the model brings")
    func brokenTemplate() throws {
        try Workspace.with { workspace in
            let arguments = ["score", "--model", "policy", "--data", "pairs.jsonl", "--output"]
            try workspace.mpo(arguments + ["known.jsonl"])
            try workspace.write(Workspace.brokenTemplate, to: "policy/tokenizer_config.json")
            try workspace.mpo(arguments + ["unknown.jsonl"])
            #expect(try workspace.read("known.jsonl") == workspace.read("unknown.jsonl"))
            try workspace.mpo("generate", "--model", "policy", "--prompt", "a", "--response-length", "2")
            let turn = #"[{"role": "user", "content": "a"}]"#
            try workspace.write("{\"prompt\": \(turn), \"chosen\": \"b\", \"rejected\": \"c\"}", to: "chat.jsonl")
            for command in [
                ["score", "--model", "policy", "--data", "chat.jsonl", "--output", "chat-out.jsonl"],
                ["generate", "--model", "policy", "--prompts", "chat.jsonl"],
            ] {
                let failure = try workspace.mpo(command, status: 2)
                #expect(
                    failure.lastError.contains(
                        "chat.jsonl:1: the chat template of policy/tokenizer_config.json cannot be read: line ")
                )
                #expect(!failure.lastError.contains("on_bad_record"))
            }
        }
    }

    @Test("A reward model draws nothing, nor does a model whose weights are no numbers")
    func unusable() throws {
        try Workspace.with { workspace in
            let commands = { (model: String) in
                [
                    ["generate", "--model", model, "--prompt", "a", "--response-length", "2"],
                    ["score", "--model", model, "--data", "pairs.jsonl", "--output", "scored.jsonl"],
                ]
            }
            for command in commands("reward-model") {
                #expect(try workspace.mpo(command, status: 2).lastError.contains("reward-model is no policy"))
            }
            let file = workspace.directory.appending(path: "policy/model.safetensors")
            var bytes = try Data(contentsOf: file)
            bytes.replaceSubrange(bytes.count - 4..<bytes.count, with: [0, 0, 0xC0, 0x7F])
            try bytes.write(to: file)
            for command in commands("policy") {
                let told = try workspace.mpo(command, status: 2).lastError
                #expect(told.contains("policy: tensor ") && told.contains("not finite"), "\(told)")
            }
        }
    }

    @Test("The template plain leaves text as it is, and with it the marks of a transcript's turns")
    func plainTemplate() throws {
        try Workspace.with { workspace in
            let prompt = #"\n\nHuman: hi\n\nAssistant:"#
            let transcript = #"{"chosen": "\#(prompt) yes", "rejected": "\#(prompt) no"}"#
            try workspace.write(transcript, to: "hh.jsonl")
            let arguments = ["score", "--model", "policy", "--data", "hh.jsonl", "--output"]
            try workspace.mpo(arguments + ["as-it-is.jsonl"])
            try workspace.mpo(arguments + ["plain.jsonl", "--chat-template", "plain"])
            #expect(try workspace.read("plain.jsonl") == workspace.read("as-it-is.jsonl"))
            try workspace.mpo(arguments + ["chat.jsonl", "--chat-template", "zephyr"])
            #expect(try workspace.read("chat.jsonl") != workspace.read("as-it-is.jsonl"))
        }
    }

    @Test("tokenize on stories260K equals its library's ids", .enabled(if: TestSupport.shared != nil))
    func tokenizeStories() throws {
        let model = try #require(TestSupport.shared).appending(path: "models/stories260K").path
        try Workspace.with { workspace in
            let result = try workspace.mpo("tokenize", "--model", model, input: "Once upon a time")
            #expect(result.output == "[1, 403, 407, 261, 378]\n")
        }
    }

    private struct ScoredLine: Decodable {
        var prompt: String
        var chosen: String
        var chosenLogps: Double?
        var rejectedLogps: Double?
        var chosenReward: Double?
        var rejectedReward: Double?
    }

    @Test("score adds transformers' log-probabilities and rewards to the lines it read, whatever the batches")
    func score() throws {
        let expected = try Expected().scored
        try Workspace.with { workspace in
            let inputs = try workspace.read("pairs.jsonl").split(separator: "\n")
            for maxTokens in ["4096", "30"] {
                try workspace.mpo(
                    "score", "--model", "policy", "--reward", "reward-model", "--data", "pairs.jsonl", "--output",
                    "scored.jsonl", "--max-tokens-per-micro-batch", maxTokens)
                let lines = try workspace.read("scored.jsonl").split(separator: "\n")
                #expect(lines.count == expected.count)
                for (input, (line, score)) in zip(inputs, zip(lines, expected)) {
                    #expect(line.hasPrefix(input.dropLast()))
                    let scored = try decodeLine(ScoredLine.self, line)
                    #expect(abs(try #require(scored.chosenLogps) - score.chosenLogps) < 1e-3)
                    #expect(abs(try #require(scored.rejectedLogps) - score.rejectedLogps) < 1e-3)
                    #expect(abs(try #require(scored.chosenReward) - score.chosenReward) < 1e-4)
                    #expect(abs(try #require(scored.rejectedReward) - score.rejectedReward) < 1e-4)
                }
            }
        }
    }

    @Test("A pair that the limits drop keeps its line, with null scores; without a reward there are no reward fields")
    func scoreDropped() throws {
        try Workspace.with { workspace in
            let result = try workspace.mpo(
                "score", "--model", "policy", "--data", "pairs.jsonl", "--output", "scored.jsonl",
                "--max-prompt-length", "18", "--max-length", "60")
            #expect(result.errors.contains("dropped as too long"))
            let lines = try workspace.read("scored.jsonl").split(separator: "\n")
            #expect(lines[0].hasSuffix("\"chosen_logps\": null, \"rejected_logps\": null}"))
            #expect(try decodeLine(ScoredLine.self, lines[1]).chosenLogps != nil)
        }
    }

    @Test("A policy in place of the reward model is refused with status 2, and writes nothing")
    func scoreWithoutHead() throws {
        try Workspace.with { workspace in
            let result = try workspace.mpo(
                "score", "--model", "policy", "--reward", "policy", "--data", "pairs.jsonl", "--output", "scored.jsonl",
                status: 2)
            #expect(result.lastError.hasPrefix("mpo: "))
            #expect(result.lastError.contains("score.weight"))
            #expect(!workspace.has("scored.jsonl"))
        }
    }

    @Test("A token past the embedding table and a position past that of the model are named with a way out")
    func limitsOfModel() throws {
        try Workspace.with { workspace in
            let score = {
                try workspace.mpo(
                    "score", "--model", "policy", "--data", "pairs.jsonl", "--output", "scored.jsonl", status: 2
                ).lastError
            }
            let tokenizer = try workspace.read("policy/tokenizer.json")
            // Added tokens have the ids that follow, whatever they say.
            let fillers = (99..<160).map { "{\"id\": \($0), \"content\": \"<\($0)>\"}," }.joined()
            try workspace.write(
                tokenizer.replacing(
                    "\"added_tokens\": [",
                    with: "\"added_tokens\": [\(fillers){\"id\": 160, \"content\": \"<pad>\", \"special\": true},"),
                to: "policy/tokenizer.json")
            let padding = try score()
            #expect(
                padding.contains("the tokenizer has 161 tokens, but policy only 160 (its vocab_size): '<pad>' (160)"))
            #expect(padding.contains("take it out of tokenizer.json and tokenizer_config.json"))
            try workspace.write(tokenizer, to: "policy/tokenizer.json")
            try workspace.addModel("policy", from: "gpt2")
            let long = String(repeating: "b ", count: 200)
            try workspace.write(#"{"prompt": "a", "chosen": "\#(long)", "rejected": "c"}"#, to: "pairs.jsonl")
            let learned = try score()
            #expect(learned.contains("at most 128: it has learned positions for no more"), "\(learned)")
            #expect(learned.contains("cut examples with --max-length"))
        }
    }

    private struct Response: Decodable {
        var prompt: String
        var sample: Int
        var completion: String
        var tokens: [Int]
        var logps: [Double]
        var finishReason: String
    }

    @Test("generate at temperature 0 draws transformers' greedy tokens with their log-probabilities")
    func greedy() throws {
        let expected = try Expected()
        try Workspace.with { workspace in
            var prompts: [String] = []
            for greedy in expected.greedy { prompts += ["{\"prompt\": \"\(greedy.prompt)\"}"] }
            try workspace.write(prompts.joined(separator: "\n"), to: "prompts.jsonl")
            let result = try workspace.mpo(
                "generate", "--model", "policy", "--prompts", "prompts.jsonl", "--temperature", "0",
                "--response-length", "\(expected.newTokens)")
            #expect(result.lines.count == expected.greedy.count)
            for (line, greedy) in zip(result.lines, expected.greedy) {
                let response = try decodeLine(Response.self, line)
                #expect(response.prompt == greedy.prompt)
                #expect(response.tokens == greedy.tokens)
                #expect(zip(response.logps, greedy.logps).allSatisfy { abs($0 - $1) < 1e-4 })
                #expect(response.finishReason == (greedy.tokens.last == 2 ? "stop" : "length"))
            }
        }
    }

    @Test("generate draws the same responses from the same seed, others from another, and writes a whole file")
    func seeds() throws {
        try Workspace.with { workspace in
            func draw(seed: String, _ output: String) throws -> [Response] {
                try workspace.mpo(
                    "generate", "--model", "policy", "--prompt", "a", "--prompt", "b", "-n", "3", "--seed", seed,
                    "--response-length", "6", "--top-k", "20", "--output", output)
                return try workspace.read(output).split(separator: "\n").map { try decodeLine(Response.self, $0) }
            }
            let first = try draw(seed: "1", "first.jsonl")
            #expect(first.map(\.prompt) == ["a", "a", "a", "b", "b", "b"])
            #expect(first.map(\.sample) == [0, 1, 2, 0, 1, 2])
            #expect(first.allSatisfy { $0.tokens.count == $0.logps.count && $0.tokens.count <= 6 })
            #expect(Set(first.map(\.tokens)).count > 1)
            _ = try draw(seed: "1", "again.jsonl")
            #expect(try workspace.read("first.jsonl") == workspace.read("again.jsonl"))
            #expect(try draw(seed: "2", "second.jsonl").map(\.tokens) != first.map(\.tokens))
        }
    }

    @Test("A mistake in a command's data names the command's options, and no keys that it does not have")
    func optionNames() throws {
        try Workspace.with { workspace in
            try workspace.write(workspace.read("pairs.jsonl") + "{\"prompt\": 1}\n", to: "bad.jsonl")
            let bench = ["bench", "--model", "policy", "--only", "sft", "--data"]
            let score = ["score", "--model", "policy", "--output", "scored.jsonl", "--data"]
            let generate = ["generate", "--model", "policy", "--prompts"]
            for command in [bench, score, generate] {
                let result = try workspace.mpo(command + ["bad.jsonl"], status: 2).lastError
                #expect(result.contains("bad.jsonl:6: ") && !result.contains("on_bad_record"), "\(result)")
            }
            let none = "mpo: no example is left of 5: every prompt is too long for --max-length 2; raise it"
            let short = ["pairs.jsonl", "--max-length", "2"]
            #expect(try workspace.mpo(bench + short, status: 2).lastError == none)
            #expect(
                try workspace.mpo(score + short, status: 2).lastError == none + " or choose another --truncation-mode")
            let exact = try workspace.mpo(score + short + ["--truncation-mode", "error"], status: 2).lastError
            #expect(exact.hasSuffix("but --max-length is 2; raise it or choose another --truncation-mode"))
            let room = try workspace.mpo(score + short + ["--max-prompt-length", "9"], status: 2).lastError
            #expect(room == "mpo: --max-prompt-length: 9 leaves no room for a response in --max-length 2")
        }
    }

    @Test("score counts the pairs that it scores, not those that are left out")
    func scoredCount() throws {
        try Workspace.with { workspace in
            let long =
                "{\"prompt\": \"\(String(repeating: "a b ", count: 40))\", \"chosen\": \"a\", \"rejected\": \"b\"}\n"
            try workspace.write(workspace.read("pairs.jsonl") + long, to: "some.jsonl")
            let result = try workspace.mpo(
                "score", "--model", "policy", "--data", "some.jsonl", "--output", "scored.jsonl", "--max-length", "64",
                "--reward", "reward-model")
            #expect(result.errors.contains("10/10 pairs"), "\(result.errors)")
        }
    }
}

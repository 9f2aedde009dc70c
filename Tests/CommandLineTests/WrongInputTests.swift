import Foundation
import TestSupport
import Testing

/// Something wrong with what a run is given, and what has to be said about it.
struct WrongInput: Sendable, CustomTestStringConvertible {
    let testDescription: String
    /// Makes it wrong, in a workspace whose configuration is right.
    let spoil: @Sendable (Workspace) throws -> Void
    /// What the last line has to contain.
    let clues: [String]

    static let all = [
        WrongInput(
            testDescription: "a configuration that is not there",
            spoil: { try FileManager.default.removeItem(at: $0.directory.appending(path: "run.yaml")) },
            clues: ["run.yaml: no such file"]),
        WrongInput(
            testDescription: "a data file that is not there",
            spoil: { try $0.configure(data: "nowhere.jsonl") },
            clues: ["run.yaml:3: dataset.train: no such file: nowhere.jsonl"]),
        WrongInput(
            testDescription: "an unknown key", spoil: { try $0.configure("dpo: {betta: 0.1}") },
            clues: ["run.yaml:5: dpo.betta: unknown key; did you mean beta?"]),
        WrongInput(
            testDescription: "a value of the wrong type", spoil: { try $0.configure("dpo: {beta: strong}") },
            clues: ["run.yaml:5: dpo.beta: expected a number", "found 'strong'"]),
        WrongInput(
            testDescription: "an empty dataset",
            spoil: {
                try $0.write("\n", to: "empty.jsonl")
                try $0.configure(data: "empty.jsonl")
            },
            clues: ["empty.jsonl", "no p"]),
        WrongInput(
            testDescription: "a line that is no record",
            spoil: {
                try $0.write("{\"prompt\": \"a\"}\n", to: "bad.jsonl")
                try $0.configure(data: "bad.jsonl")
            },
            clues: ["bad.jsonl:1: "]),
        WrongInput(
            testDescription: "prompts of the last stage that are all too long for it",
            spoil: {
                try $0.write("{\"prompt\": \"Say something kind.\"}\n", to: "late.jsonl")
                try $0.configure("evaluate: {prompts: ./late.jsonl, max_prompt_length: 5}")
            },
            clues: [
                "run.yaml:5: evaluate.prompts: no example is left of ./late.jsonl: the shortest of 1 prompts has ",
                "raise evaluate.max_prompt_length",
            ]),
        WrongInput(
            testDescription: "a tokenizer with more tokens than the model",
            spoil: { workspace in
                let added = (99..<200).map { "{\"id\": \($0), \"content\": \"<extra\($0)>\", \"special\": true}" }
                let text = try workspace.read("policy/tokenizer.json")
                let marker = try #require(text.firstRange(of: "\"added_tokens\": ["))
                try workspace.write(
                    text.replacingCharacters(
                        in: marker, with: text[marker] + added.joined(separator: ",") + ","),
                    to: "policy/tokenizer.json")
            },
            clues: ["the tokenizer has 200 tokens, but ", "only 160", "use the tokenizer that belongs to the model"]),
        WrongInput(
            testDescription: "a reward model that has another tokenizer",
            spoil: { workspace in
                let text = try workspace.read("reward-model/tokenizer.json")
                try workspace.write(
                    text.replacing("\"a\": ", with: "\"swap\": ").replacing("\"b\": ", with: "\"a\": ")
                        .replacing("\"swap\": ", with: "\"b\": "), to: "reward-model/tokenizer.json")
                try workspace.configure(stages: "[split]", "split: {reward: ./reward-model, quantile: 0.5}")
            },
            clues: ["run.yaml:5: split.reward: ./reward-model: its tokenizer is not the run's: id "]),
        WrongInput(
            testDescription: "a policy in place of a reward model",
            spoil: { try $0.configure(stages: "[split]", "split: {reward: ./policy, quantile: 0.5}") },
            clues: ["run.yaml:5: split.reward: ./policy is no reward: it has no score head (score.weight); give"]),
        WrongInput(
            testDescription: "a rule that nobody knows as an auxiliary reward",
            spoil: { try $0.configure("dpo: {hpo: {reward: 'rule:lenght:9'}}") },
            clues: ["run.yaml:5: dpo.hpo.reward: unknown reward 'rule:lenght:9'; did you mean 'rule:length:TOKENS'? "]),
        WrongInput(
            testDescription: "a judge whose program is not there",
            spoil: { try $0.configure("evaluate: {judge: 'command:nosuchprogram --score'}") },
            clues: [
                "run.yaml:5: evaluate.judge: command 'nosuchprogram --score' cannot be started: nosuchprogram: not found; give"
            ]),
        WrongInput(
            testDescription: "policies of two families to be merged",
            spoil: { workspace in
                try workspace.addModel("other", from: "qwen2")
                try workspace.configure(stages: "[sft, merge]", "merge: {from: ./other}")
            },
            clues: [
                "run.yaml:5: merge.from: its weights cannot be mixed with those of policy: sft is a llama model, ./other a "
                    + "qwen2 model; take two policies that were trained from one model"
            ]),
        WrongInput(
            testDescription: "policies to be merged that rotate differently",
            spoil: { workspace in
                try workspace.addModel("other", from: "llama")
                let config = try workspace.read("other/config.json")
                let changed = config.replacing(/"rope_theta": [0-9.]+/, with: "\"rope_theta\": 77.5")
                try #require(changed != config)
                try workspace.write(changed, to: "other/config.json")
                try workspace.configure(stages: "[merge]", "merge: {policy: base, from: ./other}")
            },
            clues: ["run.yaml:5: merge.from: its weights cannot be mixed with those of policy: rope_", "77.5"]),
        WrongInput(
            testDescription: "a policy to be merged that lacks a tensor",
            spoil: { workspace in
                try workspace.addModel("other", from: "llama")
                let file = workspace.directory.appending(path: "other/model.safetensors")
                let whole = String(decoding: try Data(contentsOf: file), as: UTF8.self)
                try #require(whole.contains("model.norm.weight"))
                // Of the same length, so that the header stays whole.
                var bytes = try Data(contentsOf: file)
                let range = try #require(bytes.range(of: Data("model.norm.weight".utf8)))
                bytes.replaceSubrange(range, with: Data("model.nerm.weight".utf8))
                try bytes.write(to: file)
                try workspace.configure(stages: "[merge]", "merge: {policy: base, from: ./other}")
            },
            clues: ["other/model.safetensors: tensor model.norm.weight is missing"]),
        WrongInput(
            testDescription: "weights cut short",
            spoil: { workspace in
                let file = workspace.directory.appending(path: "policy/model.safetensors")
                let data = try Data(contentsOf: file)
                try data.prefix(data.count / 2).write(to: file)
            },
            clues: ["policy/model.safetensors"]),
        WrongInput(
            testDescription: "a chat template that cannot be read",
            spoil: {
                try $0.write(Workspace.brokenTemplate, to: "policy/tokenizer_config.json")
                let turn = #"[{"role": "user", "content": "a"}]"#
                try $0.write(
                    #"{"prompt": "a", "chosen": "b", "rejected": "c"}"# + "\n"
                        + "{\"prompt\": \(turn), \"chosen\": \"b\", \"rejected\": \"c\"}\n", to: "chat.jsonl")
                try $0.configure(data: "chat.jsonl")
            },
            clues: ["chat.jsonl:2: ", "the chat template of policy/tokenizer_config.json cannot be read: line 1"]),
        WrongInput(
            testDescription: "a chat template's name that nobody knows",
            spoil: { try $0.configure("chat_template: chatlm") }, clues: ["chatlm", "did you mean chatml?"]),
        WrongInput(
            testDescription: "more roles than ranks", spoil: { try $0.configure("ppo: {learners: 4}") },
            clues: ["4 learners and a rollout worker need 6 ranks"]),
    ]
}

@Suite(
    "Wrong input ends a run before it starts", .serialized,
    .enabled(if: TestSupport.mpirun != nil, "mpirun is not in PATH"))
struct WrongInputTests {
    @Test(
        "It is the last line under mpirun -q, with status 2 and nothing written, on every rank count",
        arguments: WrongInput.all, [1, 2, 3])
    func lastLine(wrong: WrongInput, ranks: Int) throws {
        try Workspace.with { workspace in
            try workspace.configure()
            try wrong.spoil(workspace)
            let result = try workspace.mpo("train", "run.yaml", ranks: ranks, status: 2)
            #expect(result.lastError.hasPrefix("mpo: "))
            for clue in wrong.clues { #expect(result.lastError.contains(clue)) }
            #expect(!workspace.has("out"))
        }
    }

    @Test("Started without mpirun, it is the only line", arguments: WrongInput.all)
    func onlyLine(wrong: WrongInput) throws {
        try Workspace.with { workspace in
            try workspace.configure()
            try wrong.spoil(workspace)
            let result = try workspace.mpo("train", "run.yaml", status: 2)
            #expect(result.errors == result.lastError + "\n")
            #expect(!workspace.has("out"))
        }
    }
}

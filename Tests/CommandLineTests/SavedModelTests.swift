import Foundation
import TestSupport
import Testing

@Suite("The files beside a saved model", .serialized)
struct SavedModelTests {
    @Test("Every model that is written has the template and the end token that the run was told, and answers with them")
    func told() throws {
        try Workspace.with { workspace in
            try workspace.write(#"{"eos_token": "</s>", "pad_token": "<unk>"}"#, to: "policy/special_tokens_map.json")
            let settings = #"{"chat_template": "{{ old }}", "model_max_length": 1000000000000000019884624838656, "#
            try workspace.write(
                settings + #""bos_token": "<s>", "eos_token": {"content": "</s>"}}"#, to: "policy/tokenizer_config.json"
            )
            try workspace.configure(
                stages: "[sft, reward]",
                """
                chat_template: anthropic
                eos_token: "~"
                save_steps: 1
                sft: {max_steps: 2, train_batch_size: 2}
                reward: {max_steps: 1, train_batch_size: 2}
                """)
            try workspace.mpo("train", "run.yaml")
            let end = try #require(
                Int(
                    try workspace.mpo("tokenize", "--model", "policy", "--no-special-tokens", input: "~\n").output
                        .trimmingCharacters(in: CharacterSet(charactersIn: "[]\n"))))
            for model in ["01-sft/checkpoint-00000001", "01-sft/final", "02-reward/final"] {
                let path = "out/stages/\(model)"
                let template = try workspace.read("\(path)/chat_template.jinja")
                #expect(template.hasPrefix("{{ bos_token }}") && template.contains("Human: "), "\(model)")
                #expect(
                    try workspace.read("\(path)/tokenizer_config.json") == """
                        {
                          "model_max_length": 1000000000000000019884624838656,
                          "bos_token": "<s>",
                          "eos_token": "~"
                        }

                        """, "\(model)")
                #expect(
                    try workspace.read("\(path)/special_tokens_map.json").contains(#""eos_token": "~""#), "\(model)")
                #expect(try workspace.read("\(path)/config.json").contains("\"eos_token_id\": \(end)"), "\(model)")
            }
            let final = "out/stages/01-sft/final"
            #expect(try workspace.read("\(final)/generation_config.json").contains("\"eos_token_id\": \(end)"))
            try workspace.write(#"{"prompt": [{"role": "user", "content": "a b"}]}"# + "\n", to: "prompts.jsonl")
            let answer = ["generate", "--model", final, "--prompts", "prompts.jsonl", "--response-length", "6"]
            let answers = try workspace.mpo(answer).output
            let told = try workspace.mpo(answer + ["--chat-template", "anthropic", "--eos-token", "~"]).output
            #expect(answers == told && answers.contains("tokens"))
        }
    }

    @Test("A run that was told nothing leaves the tokenizer's files as they were")
    func untold() throws {
        try Workspace.with { workspace in
            try workspace.configure(stages: "[sft]", "sft: {max_steps: 1, train_batch_size: 2}")
            try workspace.mpo("train", "run.yaml")
            for file in ["tokenizer.json", "tokenizer_config.json"] {
                #expect(try workspace.read("out/stages/01-sft/final/\(file)") == workspace.read("policy/\(file)"))
            }
            #expect(!workspace.has("out/stages/01-sft/final/chat_template.jinja"))
        }
    }
}

import Foundation
import JSON
import PreferenceData
import Runs
import Stages
import TestSupport
import Tokenizers
import Torch
import Training
import Transformers

/// A reader of files that others wrote, to be given any bytes: it may refuse them, but not crash, hang or take memory that
/// the bytes do not pay for.
package enum FuzzedReader: String, CaseIterable, Sendable {
    case safetensors
    case weightIndex = "weight-index"
    case modelConfiguration = "model-configuration"
    case tokenizer
    case tokenizerConfiguration = "tokenizer-configuration"
    case chatTemplate = "chat-template"
    case jinja
    case dataset
    case gzip
    case zstd
    case jsonArray = "json-array"
    case table
    case parquet
    case arrow
    case manifest
    case trainerState = "trainer-state"
    case optimizer
    case runConfiguration = "run-configuration"
    case runState = "run-state"
    case runLock = "run-lock"
    case journal
    case experience
    case message

    /// Has the reader read `bytes`. What it refuses must be said in one line.
    package func read(_ bytes: [UInt8], at place: FuzzingPlace) {
        do {
            try attempt(bytes, place)
        } catch {
            let text = "\(error)"
            precondition(!text.contains(where: \.isNewline), "the message has more than one line: \(text)")
        }
    }

    private func attempt(_ bytes: [UInt8], _ place: FuzzingPlace) throws {
        switch self {
        case .safetensors: try readSafetensors(place.file("model.safetensors", bytes))
        case .weightIndex:
            place.link("model.safetensors", to: Self.model.appending(path: "missing"))
            place.link("config.json", to: Self.model.appending(path: "config.json"))
            place.link("weights", to: Self.model.appending(path: "model.safetensors"))
            _ = place.file("model.safetensors.index.json", bytes)
            _ = try ModelDirectory(place.directory).decoder(head: .languageModel, trainable: false)
        case .modelConfiguration:
            place.link("model.safetensors", to: Self.model.appending(path: "model.safetensors"))
            _ = place.file("config.json", bytes)
            _ = try ModelDirectory(place.directory).decoder(head: .languageModel, trainable: false)
        case .tokenizer: try readTokenizer(Tokenizer(file: place.file("tokenizer.json", bytes)))
        case .tokenizerConfiguration:
            place.link("tokenizer.json", to: TestSupport.fixture("commands/tokenizer.json"))
            _ = place.file("tokenizer_config.json", bytes)
            let tokenizer = try Tokenizer(directory: place.directory)
            try readTokenizer(tokenizer)
            if let template = try tokenizer.chatTemplate() { try render(template, tokenizer.specialTokens) }
        case .chatTemplate:
            let tokens = SpecialTokens(bos: .init(text: "<s>", id: 1), eos: .init(text: "</s>", id: 2))
            try render(ChatTemplate(jinja: String(decoding: bytes, as: UTF8.self)), tokens)
        case .jinja: try renderJinja(String(decoding: bytes, as: UTF8.self))
        case .dataset, .gzip, .zstd, .jsonArray, .table, .parquet, .arrow:
            try readDataset(place.file("data.jsonl", bytes))
        case .manifest:
            _ = place.file("weights", Array("weights".utf8))
            _ = place.file("manifest.json", bytes)
            try Manifest.verify(place.directory)
        case .trainerState:
            _ = place.file("trainer_state.json", bytes)
            _ = try TrainerState.read(from: place.directory)
        case .optimizer:
            _ = place.file("optimizer.safetensors", bytes)
            let group = ParameterGroup("model", [.init(name: "weight", shape: [4], decays: true)], trainable: true)
            let optimizer = AdamW(ParameterStore([group]), options: .init())
            try OptimizerFile.read(["model": optimizer], from: place.directory)
        case .runConfiguration:
            guard let text = String(validating: bytes, as: UTF8.self) else { return }
            let configuration = try RunConfiguration(yaml: text, name: "run.yaml", overrides: ["seed=7"])
            do {
                _ = try RunConfiguration(yaml: configuration.yaml, name: "written.yaml")
            } catch {
                preconditionFailure("a configuration is refused once it is written: \(error)")
            }
        case .runState:
            _ = place.file("run.json", bytes)
            try readRunState(of: FuzzedRun.plan(place.directory))
        case .runLock:
            if let lock = try HeldLock(place.file("run.lock", bytes)) {
                _ = lock.isStale(now: .max, expiry: 1)
                precondition(!lock.ownerText.contains(where: \.isNewline), "the owner's name has more than one line")
            }
        case .journal: try readJournals(bytes, at: place)
        case .experience: _ = try RolloutBatch(bytes: bytes)
        case .message:
            _ = try? Parcel<Order>(decoding: bytes)
            _ = try Parcel<Report>(decoding: bytes)
        }
    }

    private static let model = TestSupport.fixture("models/llama")

    private func readSafetensors(_ file: URL) throws {
        let file = try SafetensorsFile(file)
        for entry in file.entries.values where entry.count <= 1 << 16 {
            if entry.type != nil { _ = try file.tensor(entry.name) }
            try file.read(entry.name, into: .zeros(entry.shape))
        }
    }

    private func readTokenizer(_ tokenizer: Tokenizer) throws {
        let text = "Hello  wörld, 123!\n\n<s>▁ the\tend 🙂 e\u{301}"
        let ids = tokenizer.encode(text, addSpecialTokens: true)
        _ = tokenizer.decode(ids, skipSpecialTokens: false)
        _ = tokenizer.decode([0, 1, -1, .max, 300], skipSpecialTokens: true)
    }

    private func render(_ template: ChatTemplate, _ tokens: SpecialTokens) throws {
        let messages = [
            ChatMessage(role: "system", content: "Be brief."), ChatMessage(role: "user", content: " Hi? "),
            ChatMessage(role: "assistant", content: "Yes."),
        ]
        _ = try template.render(messages, addGenerationPrompt: true, specialTokens: tokens)
    }

    private func renderJinja(_ text: String) throws {
        var variables = JSONObject()
        variables["messages"] = try JSON(
            parsing: #"[{"role": "user", "content": " Hé? ", "n": [1, -2.5, null, true, {"k": "v"}]}, {"role": "a"}]"#)
        variables["tools"] = .null
        variables["text"] = .string("one, Two  \u{1F642}")
        variables["n"] = .number(7)
        var limits = JinjaLimits()
        limits.steps = 1 << 16
        limits.outputBytes = 1 << 16
        limits.valueSize = 1 << 16
        let date = JinjaDate(year: 2026, month: 7, day: 4)
        _ = try JinjaTemplate(text).renderWithGenerations(variables, date: date, limits: limits)
    }

    private func readRunState(of plan: RunPlan) throws {
        guard let state = try RunState.read(from: plan.directory) else { return }
        var options = StartOptions()
        (options.allowsInexact, options.allowsConfigChange) = (true, true)
        _ = try FuzzedRun.identity(of: plan, after: state).check(against: state, plan, options)
    }

    /// As if each stage that keeps a journal had left these bytes.
    private func readJournals(_ bytes: [UInt8], at place: FuzzingPlace) throws {
        let plan = try FuzzedRun.plan(place.directory)
        var refusal: (any Error)?
        for stage in plan.stages {
            _ = place.file("stages/\(stage.directory.lastPathComponent)/progress.jsonl", bytes)
            do {
                _ = try stage.configuration.stage.coordinator(stage, plan, workers: 1).finish()
            } catch {
                refusal = error
            }
        }
        if let refusal { throw refusal }
    }

    private func readDataset(_ file: URL) throws {
        let tokenizer = try Self.encoder
        _ = try? Dataset<PromptCompletion>(reading: [file], onBadRecord: .skip)
        _ = try? Dataset<UnpairedPreference>(reading: [file], onBadRecord: .skip)
        if let prompts = try? Dataset<Prompt>(reading: [file], onBadRecord: .skip) {
            for record in prompts.records {
                _ = JSON.object(record.fields).line
                if case .text(let text) = record.prompt { _ = Transcript.messages(of: text) }
            }
        }
        let pairs = try Dataset<PreferencePair>(reading: [file], onBadRecord: .skip, maximumLineLength: 1 << 16)
        _ = try tokenizer.tokenize(pairs.records)
    }

    private static let textEncoder = Result { try Tokenizer(file: TestSupport.fixture("commands/tokenizer.json")) }

    private static var encoder: ExampleTokenizer {
        get throws {
            try ExampleTokenizer(
                encoder: textEncoder.get(),
                renderer: PromptRenderer(
                    template: TokenizerTemplate(try ChatTemplate(named: "anthropic"), for: textEncoder.get())),
                limits: LengthLimits(maxLength: 64, maxPromptLength: 32, mode: .dropTurns), endTokens: [0])
        }
    }
}

/// The class that transformers reads a directory with, where that changes what `tokenizer.json` means.
///
/// Transformers 4 and 5 choose and build classes differently. Only what both make of a directory is taken from here.
struct TokenizerClass {
    private enum Name: String {
        case gpt2 = "GPT2Tokenizer"
        case gptNeoX = "GPTNeoXTokenizer"
        case qwen2 = "Qwen2Tokenizer"
        case llama = "LlamaTokenizer"
    }

    /// The class of transformers 4, and that of transformers 5; `nil` for one that takes `tokenizer.json` as it is.
    private let older: Name?
    private let newer: Name?

    init(_ settings: TokenizerSettings, of document: LocatedJSON) throws {
        let isByteLevel = try PreTokenizer(document["pre_tokenizer"]).isByteLevel
        let (named, modelType) = (settings.className, settings.modelType)
        let family: Name? =
            switch modelType {
            case "gpt2": .gpt2
            case "gpt_neox": .gptNeoX
            case "qwen2", "qwen3": .qwen2
            case "llama", "mistral": .llama
            default: nil
            }
        let name = named.map { $0.hasSuffix("Fast") ? String($0.dropLast(4)) : $0 }
        let known = name.flatMap { Name(rawValue: $0) }
        older = name == nil ? family : known
        newer =
            switch (modelType, known) {
            case ("qwen2", _): .qwen2
            case ("mistral", _): nil
            case (_, .llama) where isByteLevel: nil
            default: name == nil && family != .llama ? family : known
            }
    }

    private var agreed: Name? { older == newer ? older : nil }

    /// What `add_prefix_space` makes of a `ByteLevel` pre-tokenizer that stands alone; `nil` where the file decides.
    func prefixSpace(_ setting: Bool?) -> Bool? {
        switch newer {
        case .gpt2, .gptNeoX, .qwen2: setting ?? false
        case .llama, nil: nil
        }
    }

    /// Whether `add_prefix_space` decides on the space that a SentencePiece tokenizer puts in front.
    var decidesVisibleSpace: Bool { newer == .llama }

    /// Whether BOS and EOS are put around a text only where `add_bos_token` and `add_eos_token` say so.
    var ignoresPostProcessor: Bool { agreed == .gptNeoX }

    /// The tokens of roles that no file names.
    var defaultTokens: [(role: String, text: String)] {
        switch agreed {
        case .gpt2, .gptNeoX: ["bos_token", "eos_token", "unk_token"].map { ($0, "<|endoftext|>") }
        case .qwen2: ["eos_token", "unk_token", "pad_token"].map { ($0, "<|endoftext|>") }
        case .llama: [("bos_token", "<s>"), ("eos_token", "</s>"), ("unk_token", "<unk>")]
        case nil: []
        }
    }
}

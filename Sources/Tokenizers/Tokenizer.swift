import Foundation

/// A tokenizer read from Hugging Face files: the same ids as transformers' `AutoTokenizer` gives for the same directory.
///
/// Byte-level BPE (GPT-2, GPT-NeoX, SmolLM2, Qwen, Llama 3, DeepSeek V3, Bloom, Falcon) and SentencePiece-style BPE (Llama 2)
/// are supported; a file that asks for anything else is refused with an error that names the component. Truncation and padding settings in the file
/// are not used: lengths are the caller's affair. Where transformers 4 and 5 make different ids of a directory,
/// `tokenizer.json` decides, as the `tokenizers` library reads it: a model was trained on those. A token that is only the
/// default of a tokenizer's class, and is in none of the files, is not added.
public final class Tokenizer: Sendable {
    /// The texts and ids of the special tokens that `tokenizer_config.json` or `special_tokens_map.json` name.
    public let specialTokens: SpecialTokens
    /// Ids that end a generated text: the end token's and those of `generation_config.json` or `config.json`, ascending.
    public let endIDs: [Int32]
    /// The chat templates that came with the tokenizer; of two with one name the last counts.
    public let chatTemplates: [ChatTemplateSource]
    /// The files that make up this tokenizer, to be copied into a directory that a model is saved in.
    public let files: [URL]

    let model: BytePairEncoder
    let normalizer: Normalizer?
    let preTokenizer: PreTokenizer
    let postProcessor: PostProcessor
    private let decoder: TokenDecoder
    let addedTokens: [Int32: AddedToken]
    private let addedIDs: [[UInt8]: Int32]
    /// What tokens that are searched for in normalised text look like there; the library decodes them so too.
    private let normalizedTexts: [Int32: [UInt8]]
    private let rawMatcher: AddedTokenMatcher
    private let normalizedMatcher: AddedTokenMatcher
    private let workspaces = WorkspacePool()

    /// Reads a `tokenizer.json` alone: no special token is named, none of the model's other files is used.
    ///
    /// - Throws: `TokenizerError` where the file cannot be read, contradicts itself or needs what is not supported.
    public convenience init(file: URL) throws {
        try self.init(file: file, settings: TokenizerSettings())
    }

    init(file: URL, settings: TokenizerSettings) throws {
        let document = try LocatedJSON(contentsOf: file)
        let tokenizerClass = try TokenizerClass(settings, of: document)
        let steps = try TokenizerSteps(document, settings: settings, class: tokenizerClass)
        let normalizer = steps.normalizer
        (self.normalizer, preTokenizer) = (normalizer, steps.preTokenizer)
        (postProcessor, decoder) = (steps.postProcessor, steps.decoder)
        model = try BytePairEncoder(try document.required("model"), isByteLevel: preTokenizer.isByteLevel)

        let added = try AddedTokens(
            document, settings: settings, class: tokenizerClass, vocabulary: model.vocabulary)
        addedTokens = Dictionary(added.tokens.map { ($0.id, $0) }) { first, _ in first }
        addedIDs = Dictionary(added.tokens.map { (Array($0.content.utf8), $0.id) }) { first, _ in first }
        // As in the library, special tokens win over others of the same text.
        let ordered = added.tokens.filter(\.isSpecial) + added.tokens.filter { !$0.isSpecial }
        let found = ordered.filter { !($0.isSpecial && settings.splitsSpecialTokens) }
        rawMatcher = AddedTokenMatcher(found.filter { !$0.isNormalized }.map { ($0, Array($0.content.utf8)) })
        let normalizedTokens: [(token: AddedToken, text: [UInt8])] = ordered.filter(\.isNormalized).map {
            let text = Array($0.content.utf8)
            return ($0, normalizer?.normalize(text) ?? text)
        }
        normalizedMatcher = AddedTokenMatcher(
            normalizedTokens.filter { !($0.token.isSpecial && settings.splitsSpecialTokens) })
        normalizedTexts = Dictionary(normalizedTokens.map { ($0.token.id, $0.text) }) { first, _ in first }

        specialTokens = SpecialTokens(settings, class: tokenizerClass) { added.id(of: $0) }
        let ends = settings.endToken == nil ? settings.endIDs : []
        endIDs = Set(ends + [specialTokens.eos?.id].compactMap { $0 }).sorted()
        chatTemplates = settings.chatTemplates
        files = [file] + settings.files
    }

    /// One more than the greatest id: the least number of rows an embedding must have.
    public var vocabularySize: Int { max(model.vocabulary.idLimit, Int(addedTokens.keys.max() ?? -1) + 1) }

    /// The id of the token with exactly this text, as it stands in the vocabulary.
    public func id(of token: String) -> Int32? { addedIDs[Array(token.utf8)] ?? model.vocabulary.id(of: token) }

    /// The text of a token, as it stands in the vocabulary (`Ġthe`, not ` the`).
    public func token(of id: Int32) -> String? {
        addedTokens[id]?.content
            ?? model.vocabulary.text(of: Int(id)).map { String(decoding: $0, as: UTF8.self) }
    }

    /// Whether decoding leaves this token out where special tokens are skipped.
    public func isSpecial(_ id: Int32) -> Bool { addedTokens[id]?.isSpecial ?? false }

    /// Whether the token is searched for in text before the model sees it, as `added_tokens` says.
    public func isAdded(_ id: Int32) -> Bool { addedTokens[id] != nil }

    /// `encode(_:addSpecialTokens: true)` puts the BOS token first.
    public var addsBOS: Bool { specialTokens.bos.map { postProcessor.prefix.first == $0.id } ?? false }

    /// What `encode(_:addSpecialTokens: true)` puts behind a text: the end of one that goes no further.
    public var trailingTokenIDs: [Int32] { postProcessor.suffix }

    /// The ids of `text`. Added and special tokens that stand in the text are recognised.
    ///
    /// - Parameter addSpecialTokens: also put what the tokenizer's post-processor adds (a BOS token, say) around them.
    public func encode(_ text: String, addSpecialTokens: Bool) -> [Int32] {
        var ids: [Int32] = []
        ids.reserveCapacity(text.utf8.count / 3 + 8)
        if addSpecialTokens { ids += postProcessor.prefix }
        var text = text
        text.withUTF8 { bytes in
            workspaces.withWorkspace { workspace in encode(bytes, workspace, &ids) }
        }
        if addSpecialTokens { ids += postProcessor.suffix }
        return ids
    }

    /// The text of `ids`; ids outside the vocabulary are left out.
    public func decode(_ ids: [Int32], skipSpecialTokens: Bool) -> String {
        decoder.decode(
            ids.compactMap { id in
                if let token = addedTokens[id] {
                    return token.isSpecial && skipSpecialTokens
                        ? nil : (normalizedTexts[id] ?? Array(token.content.utf8))[...]
                }
                return model.vocabulary.text(of: Int(id))
            })
    }

    private func encode(_ text: UnsafeBufferPointer<UInt8>, _ workspace: EncodingWorkspace, _ ids: inout [Int32]) {
        rawMatcher.split(text) { range, token in
            if let token {
                ids.append(token)
                return
            }
            let part = UnsafeBufferPointer(rebasing: text[range])
            let isStart = range.lowerBound == 0
            if let normalizer {
                normalizer.normalize(Array(part)).withUnsafeBufferPointer {
                    encodeNormalized($0, isStart, workspace, &ids)
                }
            } else {
                encodeNormalized(part, isStart, workspace, &ids)
            }
        }
    }

    private func encodeNormalized(
        _ text: UnsafeBufferPointer<UInt8>, _ isStart: Bool, _ workspace: EncodingWorkspace, _ ids: inout [Int32]
    ) {
        normalizedMatcher.split(text) { range, token in
            if let token {
                ids.append(token)
                return
            }
            preTokenizer.split(
                UnsafeBufferPointer(rebasing: text[range]), isStart: isStart && range.lowerBound == 0,
                workspace: &workspace.buffers
            ) { text, pieces, buffers in
                for piece in pieces {
                    let word = UnsafeBufferPointer(rebasing: text[piece.start..<piece.end])
                    if model.separatesAtSpace {
                        encodeBetweenSpaces(word, workspace.cache, &buffers.merging, &ids)
                    } else {
                        encodeWord(word, workspace.cache, &buffers.merging, &ids)
                    }
                }
            }
        }
    }

    /// Encodes `▁`s with the characters after them as words.
    private func encodeBetweenSpaces(
        _ text: UnsafeBufferPointer<UInt8>, _ cache: WordCache, _ workspace: inout BytePairEncoder.Workspace,
        _ ids: inout [Int32]
    ) {
        let space = BytePairEncoder.visibleSpace
        var start = 0
        var index = 0
        var afterSpace = true
        while index < text.count {
            let length = UTF8Reader.length(leading: text[index])
            let isSpace =
                text[index] == space[0] && length == 3 && text[index + 1] == space[1] && text[index + 2] == space[2]
            if isSpace, !afterSpace {
                encodeWord(UnsafeBufferPointer(rebasing: text[start..<index]), cache, &workspace, &ids)
                start = index
            }
            afterSpace = isSpace
            index += length
        }
        encodeWord(UnsafeBufferPointer(rebasing: text[start...]), cache, &workspace, &ids)
    }

    @inline(__always)
    private func encodeWord(
        _ word: UnsafeBufferPointer<UInt8>, _ cache: WordCache, _ workspace: inout BytePairEncoder.Workspace,
        _ ids: inout [Int32]
    ) {
        guard word.count <= WordCache.longestWord else {
            model.encode(word, workspace: &workspace, into: &ids)
            return
        }
        guard !word.isEmpty else { return }
        let hash = hashBytes(word)
        if cache.append(word, hash: hash, to: &ids) { return }
        let start = ids.count
        model.encode(word, workspace: &workspace, into: &ids)
        cache.insert(word, hash: hash, ids: ids[start...])
    }
}

extension Tokenizer {
    /// Reads the tokenizer of a model directory: `tokenizer.json`, and what `tokenizer_config.json`,
    /// `special_tokens_map.json`, `added_tokens.json`, `chat_template.jinja`, `additional_chat_templates` and
    /// `generation_config.json` (else `config.json`) add to it.
    ///
    /// - Parameter endToken: the token that ends a text, alone; `nil` for those that the files name.
    /// - Throws: `TokenizerError` that names the file and the component or key at fault; `unknownToken` where the tokenizer
    ///   has no `endToken`.
    public convenience init(directory: URL, endToken: String? = nil) throws {
        var settings = try TokenizerSettings(directory: directory)
        settings.endToken = endToken
        try self.init(file: directory.appending(path: "tokenizer.json"), settings: settings)
    }
}

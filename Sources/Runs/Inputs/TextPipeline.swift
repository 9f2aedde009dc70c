import Foundation
import PreferenceData
import Tokenizers
import Transformers

/// From text to token ids and back, as the run's configuration asks for it.
package struct TextPipeline: Sendable {
    package let tokenizer: Tokenizer
    private let renderer: PromptRenderer
    private let onBadRecord: BadRecordPolicy
    /// Tokens that end a response; the first is the one that is appended.
    package let endTokens: [Int32]

    /// The end token that the run was told; `nil` where it takes the tokenizer's.
    package let toldEnd: SpecialTokens.Token?
    /// What is written beside a model's weights.
    package let savedTokenizer: SavedTokenizer

    /// Reads the run's tokenizer and chat template.
    ///
    /// - Throws: the tokenizer's and template's own errors, and ``ConfigurationError`` for an unknown `eos_token`.
    package init(_ configuration: RunConfiguration) throws {
        let directory = configuration.tokenizerDirectory
        do {
            tokenizer = try Tokenizer(directory: directory, endToken: configuration.eosToken)
        } catch TokenizerError.unknownToken(_, let text) {
            throw configuration.error(
                at: "eos_token", "'\(text)' is no token of \(directory.path)", remedy: "write one that it has")
        }
        onBadRecord = configuration.dataset.onBadRecord
        let named = try configuration.namedTemplate()
        if let named {
            try configuration.checkVariables(of: [named])
            // `plain` would take the marks of its turns out of a transcript.
            renderer = PromptRenderer(
                template: TokenizerTemplate(try configuration.told(named), for: tokenizer),
                appliesToText: named.name != ChatTemplate.Named.plain.rawValue)
        } else {
            renderer = try Self.renderer(of: tokenizer, configuration)
        }
        let eos = tokenizer.specialTokens.eos.map { [$0.id] } ?? []
        endTokens = eos + tokenizer.endIDs.filter { !eos.contains($0) }
        toldEnd = configuration.eosToken == nil ? nil : tokenizer.specialTokens.eos
        savedTokenizer = SavedTokenizer(
            files: tokenizer.files, template: named?.savedText(for: tokenizer), endToken: configuration.eosToken)
    }

    /// Renders with the tokenizer's own templates. One that cannot be read is an error only once messages come that it would write.
    private static func renderer(
        of tokenizer: Tokenizer, _ configuration: RunConfiguration
    ) throws -> PromptRenderer {
        func read(_ name: String) -> Result<ChatTemplate, any Error>? {
            do {
                return try tokenizer.chatTemplate(named: name).map { .success($0) }
            } catch {
                return .failure(error)
            }
        }
        let withTools = read(ChatTemplateSource.toolUse)
        let standard =
            configuration.tellsTools
            ? withTools ?? read(ChatTemplateSource.standard) : read(ChatTemplateSource.standard)
        let templates = [standard, withTools].compactMap { try? $0?.get() }
        if !templates.isEmpty { try configuration.checkVariables(of: templates) }
        func told(_ template: ChatTemplate) throws -> any ChatRenderer {
            TokenizerTemplate(try configuration.told(template), for: tokenizer)
        }
        var renderer = PromptRenderer()
        switch standard {
        case .success(let template)?: renderer.template = try told(template)
        case .failure(let error)?: renderer.templateError = error
        case nil where tokenizer.chatTemplates.isEmpty: break
        case nil: renderer.templateError = ChatTemplateError.noStandard(names: tokenizer.chatTemplates.map(\.name))
        }
        switch withTools {
        case .success(let template)?: renderer.toolTemplate = .success(try told(template))
        case .failure(let error)?: renderer.toolTemplate = .failure(error)
        case nil: break
        }
        return renderer
    }

    /// What writes the prompts of these records as text, for the person who watches.
    package func templateText(for records: [any DatasetRecord]) -> String {
        var counts: [(name: String, count: Int)] = []
        for record in records where renderer.usesTemplate(record.prompt) {
            let name = (renderer.template(for: record) as? TokenizerTemplate)?.template.name ?? ""
            if let index = counts.firstIndex(where: { $0.name == name }) {
                counts[index].count += 1
            } else {
                counts.append((name, 1))
            }
        }
        let count = counts.map(\.count).reduce(0, +)
        guard count > 0 else { return "prompts are text, and no chat template writes them" }
        let share = count == records.count ? "" : ": \(count) of \(records.count), the others are text as it is"
        let names =
            counts.count == 1
            ? " \(counts[0].name)" : "s " + counts.map { "\($0.name) (\($0.count))" }.joined(separator: " and ")
        return "prompts are written by the chat template\(names)\(share)"
    }

    /// Throws for the first record that has messages, where there is no template to render them with.
    package func checkTemplate(for records: [some DatasetRecord]) throws {
        for record in records {
            do {
                try renderer.check(record)
            } catch {
                throw DataError.unrenderable(record.source, reason: "\(error)")
            }
        }
    }

    /// Tokenizes records within these limits.
    package func exampleTokenizer(_ limits: LengthLimits) throws -> ExampleTokenizer {
        var examples = try ExampleTokenizer(
            encoder: tokenizer, renderer: renderer, limits: limits, endTokens: endTokens)
        examples.onBadRecord = onBadRecord
        return examples
    }

    /// The tokens that end a sampled response.
    package func stopTokens(_ stop: StopToken, key: String, _ configuration: RunConfiguration) throws -> [Int32] {
        switch stop {
        case .eos: return endTokens
        case .none: return []
        case .token(let text):
            guard let id = tokenizer.id(of: text) else {
                throw configuration.error(
                    at: "\(key).stop_token", "'\(text)' is no token", remedy: "write eos, none or a token's text")
            }
            return [id]
        }
    }

    /// A padding id for a reward model that transformers will run: it scores the last token that is not padding, so the id
    /// must be one that no response ends in. Ids past the tokenizer's own are best, then special tokens.
    package func paddingID(for model: ModelConfiguration) -> Int32? {
        let ends = Set(endTokens + model.eosTokenIDs + [tokenizer.specialTokens.bos?.id].compactMap(\.self))
        let past = Int32(tokenizer.vocabularySize)..<Int32(max(tokenizer.vocabularySize, model.vocabularySize))
        let special = (0..<Int32(tokenizer.vocabularySize)).filter { tokenizer.isSpecial($0) }
        return past.first ?? ([tokenizer.specialTokens.pad?.id].compactMap(\.self) + special).first {
            !ends.contains($0)
        }
            ?? model.unusedTokenID(besides: ends)
    }

    /// A response as text, special tokens left out.
    package func text(of response: [Int32]) -> String {
        tokenizer.decode(response, skipSpecialTokens: true)
    }
}

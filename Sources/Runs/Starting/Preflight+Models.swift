import Foundation
import Tokenizers
import Transformers

extension Preflight {
    /// Checks that every model that was there before the run reads the ids of the run's tokenizer, where it has a tokenizer
    /// of its own to tell: a token of another meaning would be scored or learned without a word.
    package func checkTokenizers(_ text: TextPipeline) throws {
        let own = TokenizerDirectory(configuration.tokenizerDirectory)
        if configuration.tokenizerNameOrPath != nil, !configuration.randomInit,
            let difference = TokenizerDirectory(URL(filePath: configuration.modelNameOrPath)).difference(
                of: text.tokenizer, in: own, allowingMore: true)
        {
            throw configuration.error(
                at: "tokenizer_name_or_path",
                "it is not the tokenizer of \(configuration.modelNameOrPath): \(difference)",
                remedy: "leave it out, or name one that only adds tokens")
        }
        var seen: Set<String> = []
        for stage in plan.stages {
            for input in stage.configuration.inputs where !input.isData {
                guard case .path(let path) = input.reference, seen.insert(path).inserted,
                    let directory = directory(of: input.reference),
                    let difference = TokenizerDirectory(directory).difference(of: text.tokenizer, in: own)
                else { continue }
                throw configuration.error(
                    at: "\(stage.name).\(input.key)", "\(path): its tokenizer is not the run's: \(difference)",
                    remedy: "take a model with the run's tokenizer"
                        + (input.isReward ? ", or a program that scores text (command:LINE)" : ""))
            }
        }
    }
}

/// A directory that may hold a tokenizer.
private struct TokenizerDirectory {
    let url: URL

    init(_ url: URL) { self.url = url }

    /// What makes the ids of `tokenizer`, which was read from `other`, differ from those of this directory's own; `nil`
    /// where nothing does or it has none.
    ///
    /// Parsing takes longer than the rest, so equal files are told by their bytes.
    func difference(of tokenizer: Tokenizer, in other: TokenizerDirectory, allowingMore: Bool = false) -> String? {
        guard let text = contents("tokenizer.json"), url.standardizedFileURL != other.url.standardizedFileURL else {
            return nil
        }
        let isSameText = text == other.contents("tokenizer.json")
        if isSameText, Self.further.allSatisfy({ contents($0) == other.contents($0) }) { return nil }
        do {
            return tokenizer.difference(from: try Tokenizer(directory: url), allowingMore: allowingMore)
        } catch {
            return isSameText ? nil : "it cannot be read (\(error))"
        }
    }

    /// Files that may change the ids that `tokenizer.json` gives.
    private static let further = ["tokenizer_config.json", "special_tokens_map.json", "added_tokens.json"]

    private func contents(_ name: String) -> Data? {
        try? Data(contentsOf: url.appending(path: name), options: .mappedIfSafe)
    }
}

import Foundation
import PreferenceData

/// Counts the examples that stages will see, as training reads them.
package final class ExampleCounter {
    private let plan: RunPlan
    private let data: DataStore
    /// By the bytes of what was asked for: file names that look alike may differ.
    private var known: [[UInt8]: ExampleCount] = [:]

    package init(_ configuration: RunConfiguration) throws {
        plan = RunPlan(configuration)
        data = DataStore(plan, try TextPipeline(configuration))
    }

    /// - Parameters:
    ///   - variants: Makes texts of each response's, which a stage reads beside it.
    ///   - name: What the variants are.
    package func pairs(
        _ references: [ArtifactReference], _ lengths: LengthOptions, variants: ((String) -> [String])? = nil,
        named name: String = ""
    ) throws -> ExampleCount? {
        try count("pairs \(name)", references, lengths.prompt, lengths.maxLength) {
            ExampleCount(try data.pairs(references, lengths, variants: variants).examples)
        }
    }

    package func completions(
        _ references: [ArtifactReference], _ lengths: LengthOptions, learning learnedTokens: LearnedTokens = .completion
    ) throws -> ExampleCount? {
        try count("completions \(learnedTokens)", references, lengths.prompt, lengths.maxLength) {
            ExampleCount(try data.completions(references, lengths, learning: learnedTokens).examples)
        }
    }

    package func labeledCompletions(_ references: [ArtifactReference], _ lengths: LengthOptions) throws
        -> ExampleCount?
    {
        // What a stage leaves are pairs, of two answers each.
        try count("labeled completions", references, lengths.prompt, lengths.maxLength, answers: 2) {
            ExampleCount(try data.labeledCompletions(references, lengths).examples)
        }
    }

    /// Pairs of demonstrations and samples; not known before there are samples.
    package func demonstrations(
        _ demonstrations: [ArtifactReference], before samples: [ArtifactReference], _ lengths: LengthOptions
    ) throws -> ExampleCount? {
        try count("\(demonstrations) before", demonstrations + samples, lengths.prompt, lengths.maxLength) {
            ExampleCount(try data.demonstrations(demonstrations, before: samples, lengths).examples)
        }
    }

    /// - Parameter prefix: What stands in front of each prompt.
    package func prompts(
        _ references: [ArtifactReference], _ prompt: PromptOptions, limit: Int? = nil, prefix: String = ""
    ) throws -> ExampleCount? {
        try count("prompts \(limit ?? 0) \(prefix)", references, prompt, 0) {
            ExampleCount(try data.prompts(references, prompt, limit: limit, prefix: prefix).examples)
        }
    }

    /// Records as they are, whatever their length.
    package func records<Record: DatasetRecord>(
        _ references: [ArtifactReference], as _: Record.Type
    ) throws -> ExampleCount? {
        try count("all \(Record.plural)", references, PromptOptions(), 0) {
            let reading = try Dataset<Record>.read(
                data.files(references), onBadRecord: plan.configuration.dataset.onBadRecord,
                columns: plan.configuration.dataset.columns
            ) { _ in }
            return ExampleCount(examples: reading.count)
        }
    }

    private func count(
        _ kind: String, _ references: [ArtifactReference], _ prompt: PromptOptions, _ length: Int,
        answers: Int = 1, _ read: () throws -> ExampleCount
    ) throws -> ExampleCount? {
        let files = try data.files(references)
        if files.isEmpty { return ExampleCount(examples: 0) }
        guard files.allSatisfy({ FileManager.default.fileExists(atPath: $0.path) }) else {
            guard references.count == 1, var estimate = try estimate(references[0]) else { return nil }
            estimate.examples *= answers
            return estimate
        }
        let key = Array("\(kind) \(references) \(prompt) \(length)".utf8)
        if let count = known[key] { return count }
        let count = try read()
        known[key] = count
        return count
    }

    /// What an earlier stage will leave, as far as its input says.
    private func estimate(_ reference: ArtifactReference) throws -> ExampleCount? {
        guard case .stage(let name, let part) = reference else { return nil }
        return try plan.stage(named: name).configuration.stage.expectedRows(part: part, self)
    }
}

/// Examples, and their tokens together.
package struct ExampleCount: Equatable, Sendable {
    package var examples: Int
    /// `nil` where only examples are known.
    package var tokens: Int?
    /// Tokens of the longest prompt with its responses.
    package var longest: Int?
    /// Tokens of responses that a model predicts; `nil` where only examples are known.
    package var predictedTokens: Int?
    /// Whether it may be off by a few, because an earlier stage has yet to leave the data.
    package var isEstimate = false

    package init(
        examples: Int, tokens: Int? = nil, longest: Int? = nil, predictedTokens: Int? = nil, isEstimate: Bool = false
    ) {
        (self.examples, self.tokens, self.longest) = (examples, tokens, longest)
        (self.predictedTokens, self.isEstimate) = (predictedTokens, isEstimate)
    }
}

extension ExampleCount {
    /// Both together.
    package static func + (left: Self, right: Self) -> Self {
        let sum = { (path: KeyPath<Self, Int?>) in
            left[keyPath: path].flatMap { a in right[keyPath: path].map { a + $0 } }
        }
        return Self(
            examples: left.examples + right.examples, tokens: sum(\.tokens),
            longest: left.longest.flatMap { one in right.longest.map { max(one, $0) } },
            predictedTokens: sum(\.predictedTokens), isEstimate: left.isEstimate || right.isEstimate)
    }

    fileprivate init(_ examples: [some PackableExample]) {
        self.init(
            examples: examples.count, tokens: examples.reduce(0) { $0 + $1.tokenCount },
            longest: examples.map(\.tokenCount).max(),
            predictedTokens: examples.reduce(0) { $0 + $1.predictedCount })
    }
}

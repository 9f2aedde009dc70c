import Configuration
import Foundation
import PreferenceData
import Tokenizers

/// The first rows of what a stage reads, as ids, tokens and masks.
///
/// Rows come from the code that training reads them with, and masks from the batches it makes of them.
public struct DataInspection {
    /// What to print: a summary of all rows, then the first ones token by token.
    public let text: String

    /// Reads the data of a stage of `configuration`.
    ///
    /// - Parameters:
    ///   - stage: The stage's name; `nil` for the first one.
    ///   - rows: How many rows are shown.
    /// - Throws: what reading the data for training would throw, and ``RunError`` for a stage that there is not, or
    ///   whose data an earlier stage has yet to leave.
    public init(_ configuration: RunConfiguration, stage name: String?, rows: Int) throws {
        let stage = try Self.stage(name, of: configuration)
        let plan = RunPlan(configuration)
        try Self.checkData(of: stage, plan)
        let text = try TextPipeline(configuration)
        let data = DataStore(plan, text)
        var report = InspectionReport(stage: stage, tokenizer: text.tokenizer, endTokens: text.endTokens, rows: rows)
        switch stage.options {
        case .sft(let options):
            let data = try data.completions(options.data, options.lengths, keepsRecords: true)
            report.add(data, mask: .predicted, names: ["completion"])
        case .reward(let options):
            report.add(
                try data.pairs(options.pairs, options.lengths, keepsRecords: true), mask: .scored, names: Self.pair)
        case .split(let options):
            report.add(
                try data.pairs(options.pairs, options.lengths, keepsRecords: true), mask: .scored, names: Self.pair)
        case .dpo(let options):
            report.add(
                try data.pairs(options.pairs, options.lengths, keepsRecords: true), mask: .predicted, names: Self.pair)
        case .ppo(let options):
            report.add(try data.prompts(options.prompts, options.prompt, keepsRecords: true), mask: .none, names: [])
        case .sample(let options):
            report.add(try data.prompts(options.prompts, options.prompt, keepsRecords: true), mask: .none, names: [])
        case .evaluate(let options):
            let data = try data.prompts(
                options.prompts, options.prompt, limit: options.numPrompts, keepsRecords: true)
            report.add(data, mask: .none, names: [])
        }
        self.text = report.text
    }

    private static let pair = ["chosen", "rejected"]

    private static func stage(_ name: String?, of configuration: RunConfiguration) throws -> StageConfiguration {
        guard let name else { return configuration.stages[0] }
        if let stage = configuration.stage(named: name) { return stage }
        let names = configuration.stages.map(\.name)
        let nearest = NearestName.of(name, in: names).map { "did you mean \($0)? " } ?? ""
        throw RunError.other("--stage \(name): no such stage; \(nearest)Stages are \(names.joined(separator: ", "))")
    }

    private static func checkData(of stage: StageConfiguration, _ plan: RunPlan) throws {
        for input in stage.inputs where input.isData {
            guard case .stage(let earlier, _) = input.reference else { continue }
            for file in RunFiles(plan).data([input.reference])
            where !FileManager.default.fileExists(atPath: file.path) {
                throw RunError.other(
                    "\(stage.name).\(input.key): \(input.reference) is not there yet; run stage \(earlier) first, or "
                        + "inspect an earlier stage with --stage")
            }
        }
    }
}

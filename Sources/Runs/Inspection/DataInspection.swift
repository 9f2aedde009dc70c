import Configuration
import Foundation
import PreferenceData
import Tokenizers

/// The first rows of what a stage reads, as ids, tokens and masks.
///
/// Rows come from the code that training reads them with, and masks from the batches it makes of them.
package struct DataInspection {
    /// What to print: a summary of all rows, then the first ones token by token.
    package let text: String

    /// Reads the data of a stage of `configuration`.
    ///
    /// - Parameters:
    ///   - stage: The stage's name; `nil` for the first one.
    ///   - rows: How many rows are shown.
    /// - Throws: what reading the data for training would throw, and ``RunError`` for a stage that there is not, or
    ///   whose data an earlier stage has yet to leave.
    package init(_ configuration: RunConfiguration, stage name: String?, rows: Int) throws {
        let stage = try Self.stage(name, of: configuration)
        let plan = RunPlan(configuration)
        try configuration.checkChoices()
        try Self.checkData(of: stage, plan)
        let text = try TextPipeline(configuration)
        let data = DataStore(plan, text)
        var report = InspectionReport(stage: stage, text: text, rows: rows)
        try report.add(stage, data)
        self.text = report.text
    }

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
            for file in try RunFiles(plan).data([input.reference])
            where !FileManager.default.fileExists(atPath: file.path) {
                throw RunError.other(
                    "\(stage.name).\(input.key): \(input.reference) is not there yet; run stage \(earlier) first, or "
                        + "inspect an earlier stage with --stage")
            }
        }
    }
}

extension InspectionReport {
    /// Adds what a stage reads, but for what it is evaluated on.
    fileprivate mutating func add(_ stage: StageConfiguration, _ data: DataStore) throws {
        let inputs = stage.inputs.filter { $0.isData && !$0.role.isHeldOut }
        let references = inputs.map(\.reference)
        let limits = try stage.stage.limits()
        let pair = ["chosen", "rejected"]
        switch inputs.first?.role.kind.rows {
        case .completions:
            add(
                try data.completions(
                    references, limits, learning: stage.stage.learnedTokens, keepsRecords: true), mask: .predicted,
                names: ["completion"])
        case .labeledCompletions:
            add(try data.labeledCompletions(references, limits, keepsRecords: true))
        case .predictedPairs:
            add(try data.pairs(references, limits, keepsRecords: true), mask: .predicted, names: pair)
        case .scoredPairs:
            add(try data.pairs(references, limits, keepsRecords: true), mask: .scored, names: pair)
        case .prompts:
            add(
                try data.prompts(
                    references, limits, limit: stage.stage.rowLimit, keepsRecords: true,
                    prefix: stage.stage.promptPrefix), mask: .none, names: [])
        case .editedPairs: add(try data.records(references, as: PreferencePair.self))
        case nil: break
        }
    }
}

import Configuration
import Transformers

/// Bytes of models, checkpoints and tables that a stage has in the run directory when it is done.
///
/// Rows of data and metrics are small beside them, and not counted.
package struct DiskEstimate: Equatable {
    /// What the stage leaves, a critic with it.
    package private(set) var models = 0
    /// The checkpoints that are kept, each with its models and AdamW's moments.
    package private(set) var checkpoints = 0
    /// What frozen models said of its data.
    package private(set) var tables = 0
    /// Whether it makes tables whose size only an earlier stage will tell.
    package private(set) var hasUnknownTables = false

    package var total: Int { models + checkpoints + tables }

    /// What a stage keeps that is forecast so. Where its steps are not known yet it has as many checkpoints as
    /// are kept, or one where all are.
    ///
    /// - Parameter made: Those of its tables that are not there already.
    package init(_ forecast: StageForecast, making made: [TableForecast], _ planner: StagePlanner) throws {
        let stage = forecast.configuration
        tables = made.reduce(0) { $0 + ($1.bytes ?? 0) }
        hasUnknownTables = made.contains { $0.bytes == nil }
        // Of the type that is computed in; checkpoints and adapters keep float32.
        let trainsAdapter = stage.stage.adapter?.usesAdapter ?? false
        let size = trainsAdapter ? 4 : forecast.roles.first?.memory.placement.type.size ?? 4
        let trained = forecast.roles.map(\.memory.trainedCount).max() ?? 0
        guard trained > 0 else {
            // A model that is made without training has the shape of what it is made from.
            let source = stage.inputs.first { $0.role.kind == .policy || $0.role.kind == .model }
            guard let source, let head = stage.stage.leaves?.head else { return }
            models = try planner.specification(of: source.reference).parameterCount(head: head) * size
            return
        }
        models = trained * size
        guard let rhythm = stage.stage.entries.first(where: { $0.key == "save_steps" }).flatMap({ Int($0.value) })
        else {
            return
        }
        // The best one is kept beside the newest.
        let limit = planner.configuration.saveTotalLimit.map { $0 + (stage.stage.leavesBestModel ? 1 : 0) }
        // The last step leaves a model and no checkpoint.
        let saved = forecast.batches.steps.map { max(0, $0 - 1) / rhythm } ?? limit ?? 1
        let (bytes, overflows) = (3 * 4 * trained).multipliedReportingOverflow(by: min(saved, limit ?? saved))
        checkpoints = overflows ? .max >> 16 : bytes
    }
}

extension StageOutput {
    /// What a model that a stage leaves ends in; `nil` where it leaves none.
    fileprivate var head: DecoderHead? {
        switch self {
        case .policy: .languageModel
        case .rewardModel: .score
        case .pairs, .completions: nil
        }
    }
}

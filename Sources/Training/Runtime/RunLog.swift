import Foundation

/// What a run tells: metrics on disk, progress on the screen.
final class RunLog {
    private let directory: URL
    private let sinks: [MetricsSink]
    private let stageCount: Int
    private let loggingSteps: Int
    private let progress: ProgressDisplay
    private var metrics: MetricsWriter?
    private var advanced = 0

    init(_ plan: RunPlan, output: ProgressOutput) {
        directory = plan.directory.url
        sinks = plan.configuration.reportTo.filter { $0 != .none }
        stageCount = plan.stages.count
        loggingSteps = plan.configuration.loggingSteps
        progress = ProgressDisplay(output)
    }

    /// Goes on writing metrics behind the first `position` bytes of what an earlier start has written.
    func resume(at position: UInt64) throws {
        guard metrics == nil else { return }
        metrics = try MetricsWriter(runDirectory: directory, sinks: sinks, resumingAt: position)
    }

    func begin(_ stage: PlannedStage, total: Int?, unit: String, step: Int) {
        advanced = step
        progress.begin(
            StageProgress(
                name: stage.name, type: stage.type, position: stage.index + 1, of: stageCount, total: total, unit: unit,
                step: step))
    }

    func record(step: Int, metrics values: MetricValues, of stage: PlannedStage) throws {
        progress.update(step: step, metrics: values)
        if step.isMultiple(of: loggingSteps) || values["eval_loss"] != nil {
            try metrics?.write(stage: stage.directoryName, step: step, metrics: values)
        }
    }

    func advance(by count: Int) {
        advanced += count
        progress.update(step: advanced)
    }

    func note(_ text: String) { progress.message(text) }

    func tick() { progress.tick() }

    func end() { progress.end() }

    /// The length of the metrics file, once the disk has it.
    func synchronizedPosition() throws -> UInt64 {
        try metrics?.synchronize()
        return metrics?.position ?? 0
    }

    func finish() throws { try metrics?.synchronize() }
}

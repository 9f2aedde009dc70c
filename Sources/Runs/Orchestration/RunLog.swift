import Foundation

/// What a run tells: metrics on disk, progress on the screen.
package final class RunLog {
    private let directory: URL
    private let sinks: [MetricsSink]
    private let stageCount: Int
    private let loggingSteps: Int
    private let progress: ProgressDisplay
    private var metrics: MetricsWriter?
    private var interval = MetricsInterval()
    private var total: Int?
    /// What all workers have done of the stage's items. Some may be through with their first before the one that announces
    /// the stage is.
    private var advanced = 0

    package init(_ plan: RunPlan, output: ProgressOutput) {
        directory = plan.directory.url
        sinks = plan.configuration.reportTo.filter { $0 != .none }
        stageCount = plan.stages.count
        loggingSteps = plan.configuration.loggingSteps
        progress = ProgressDisplay(output)
    }

    /// Goes on writing a stage's metrics behind what an earlier start has written, as far as its checkpoint counts that.
    package func resume(at state: MetricsState) throws {
        interval = state.interval ?? MetricsInterval()
        guard metrics == nil else { return }
        metrics = try MetricsWriter(runDirectory: directory, sinks: sinks, resumingAt: state.position)
    }

    package func begin(_ stage: PlannedStage, total: Int?, unit: String, step: Int) {
        advanced += step
        self.total = total
        progress.begin(
            StageProgress(
                name: stage.name, keyMetrics: type(of: stage.configuration.stage).keyMetrics, position: stage.index + 1,
                of: stageCount, total: total, unit: unit,
                step: advanced))
    }

    package func record(step: Int, metrics values: MetricValues, of stage: PlannedStage) throws {
        progress.update(step: step, metrics: values)
        interval.add(values)
        let isEvaluated = values.names.contains { $0.hasPrefix("eval_") }
        guard step.isMultiple(of: loggingSteps) || step == total || isEvaluated else { return }
        try metrics?.write(stage: stage.directoryName, step: step, metrics: interval.values)
        interval = MetricsInterval()
    }

    package func advance(by count: Int) {
        advanced += count
        progress.update(step: advanced)
    }

    package func note(_ text: String) { progress.message(text) }

    package func tick() { progress.tick() }

    package func end() {
        progress.end()
        advanced = 0
    }

    /// The length of the metrics file, once the disk has it, and what it has no line of yet.
    package func synchronizedState() throws -> MetricsState {
        try metrics?.synchronize()
        return MetricsState(position: metrics?.position ?? 0, interval: interval.isEmpty ? nil : interval)
    }

    package func finish() throws { try metrics?.synchronize() }
}

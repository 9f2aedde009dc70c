import Foundation
import JSON

/// Writes a run's metrics: a line of JSON a step into `metrics.jsonl`, and TensorBoard event files, a directory a
/// stage.
///
/// A line has `stage`, `step`, `time` (seconds since 1970), then the metrics in the order they were set. JSON has no
/// NaN and no infinity: such a metric is `null`, and `non_finite` at the end of the line says what it was.
package final class MetricsWriter {
    private let directory: URL
    private let sinks: [MetricsSink]
    private let lines: AppendOnlyFile
    private let clock: () -> Double
    private var events: (stage: String, writer: EventFileWriter)?

    /// Opens the files of a run directory.
    ///
    /// A run that is resumed gives the ``position`` that its checkpoint keeps: lines that were written later are cut
    /// off. Without one, `metrics.jsonl` starts empty. In either case TensorBoard is told to forget what earlier files
    /// have from the first step on that is written now.
    ///
    /// - Throws: ``MetricsError``
    package init(
        runDirectory: URL, sinks: [MetricsSink] = [.tensorboard], resumingAt position: UInt64? = nil,
        clock: @escaping () -> Double = { Date().timeIntervalSince1970 }
    ) throws {
        directory = runDirectory
        self.sinks = sinks
        self.clock = clock
        lines = try AppendOnlyFile(path: runDirectory.appending(path: "metrics.jsonl").path, keeping: position ?? 0)
    }

    /// The length of `metrics.jsonl`; a checkpoint keeps it, so that a resumed run goes on from there.
    package var position: UInt64 { lines.length }

    /// Writes the metrics of one step.
    ///
    /// - Parameter stage: the directory name of the stage, such as `03-dpo`.
    /// - Throws: ``MetricsError``
    package func write(stage: String, step: Int, metrics: MetricValues) throws {
        let time = clock()
        let line = Self.line(stage: stage, step: step, time: time, metrics: metrics)
        try lines.append(Array(line.utf8))
        guard sinks.contains(.tensorboard) else { return }
        try eventWriter(for: stage, step: step, time: time).write(step: step, metrics: metrics, time: time)
    }

    /// Waits until the disk has everything, as before a checkpoint.
    package func synchronize() throws {
        try lines.synchronize()
        try events?.writer.synchronize()
    }

    private func eventWriter(for stage: String, step: Int, time: Double) throws -> EventFileWriter {
        if let events, events.stage == stage { return events.writer }
        let folder = directory.appending(path: "tensorboard").appending(path: stage)
        let writer = try EventFileWriter(directory: folder, firstStep: step, time: time)
        events = (stage, writer)
        return writer
    }

    private static func line(stage: String, step: Int, time: Double, metrics: MetricValues) -> String {
        let milliseconds = (time * 1000).rounded() / 1000
        var fields: [(String, JSON)] = [
            ("stage", .string(stage)), ("step", .number(step)), ("time", number(milliseconds)),
        ]
        fields += metrics.entries.map { ($0, number($1)) }
        let strange: [(String, JSON)] = metrics.entries.filter { !$0.value.isFinite }.map { name, value in
            (name, .string(value.isNaN ? "NaN" : value < 0 ? "-Infinity" : "Infinity"))
        }
        if !strange.isEmpty { fields.append(("non_finite", .object(JSONObject(uniqueKeysWithValues: strange)))) }
        return JSON.object(JSONObject(uniqueKeysWithValues: fields)).compact + "\n"
    }

    /// A number without a fraction where it has none; `null` where it is not finite.
    private static func number(_ value: Double) -> JSON {
        Int(exactly: value).map { .number($0) } ?? JSON(value) ?? .null
    }
}

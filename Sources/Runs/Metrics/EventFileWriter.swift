import Foundation

/// Writes one TensorBoard event file: TFRecords of `Event` messages, the file version first.
package final class EventFileWriter {
    private let file: AppendOnlyFile

    /// Starts a file in `directory`. Where there are files already, TensorBoard is told to forget what they have from
    /// `firstStep` on.
    ///
    /// - Throws: ``MetricsError``
    package init(directory: URL, firstStep: Int, time: Double) throws {
        let earlier = (try? FileManager.default.contentsOfDirectory(atPath: directory.path))?.count ?? 0
        // Readers take files by name, so one that is begun in the same second as another must come behind it.
        let name = String(format: "events.out.tfevents.%010d.%06d", Int(time), earlier)
        let host = ProcessInfo.processInfo.hostName
        let process = ProcessInfo.processInfo.processIdentifier
        file = try AppendOnlyFile(path: directory.appending(path: "\(name).\(host).\(process)").path)
        try file.append(TFRecord.frame(TensorBoardEvent.fileVersion(time: time)))
        if earlier > 0 {
            try file.append(TFRecord.frame(TensorBoardEvent.sessionStart(step: firstStep, time: time)))
        }
    }

    /// Writes the scalars of one step.
    package func write(step: Int, metrics: MetricValues, time: Double) throws {
        try file.append(TFRecord.frame(TensorBoardEvent.scalars(metrics, step: step, time: time)))
    }

    package func synchronize() throws {
        try file.synchronize()
    }
}

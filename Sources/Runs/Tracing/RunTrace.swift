import Foundation
import JSON
import MPI
import PreferenceData

/// The trace of a run: every rank's spans on one clock, in a file that trace viewers open.
///
/// The form is Chrome's trace event format, complete events (`ph: X`) in microseconds; <https://ui.perfetto.dev> and
/// `chrome://tracing` read it. Each rank is a row.
package struct RunTrace {
    private let file: URL
    private let control: Communicator
    private let offset: Int64

    /// Sets the clocks; all ranks call it together.
    package init(_ file: URL, over control: Communicator) throws {
        self.file = file
        self.control = control
        offset = try ClockOffset.estimate(over: control)
    }

    /// Gathers what all ranks have recorded and writes the file on rank zero; all of them call it together.
    package func finish(_ tracer: Tracer, role: String) throws {
        let events = tracer.spans.map { event($0) }
        let own = ([row(role)] + events).joined(separator: ",\n")
        try control.quietBarrier()
        guard let parts = try control.gather(Array(own.utf8), root: 0) else { return }
        var data = Data("{\"displayTimeUnit\": \"ms\", \"traceEvents\": [\n".utf8)
        for (rank, part) in parts.enumerated() {
            if rank > 0 { data.append(contentsOf: ",\n".utf8) }
            data.append(contentsOf: part)
        }
        data.append(contentsOf: "\n]}\n".utf8)
        try OutputFile.write(data, to: file)
    }

    /// The name of this rank's row.
    private func row(_ role: String) -> String {
        line([
            ("name", .string("thread_name")), ("ph", .string("M")), ("pid", .number(0)), ("tid", .number(control.rank)),
            ("args", object([("name", .string("rank \(control.rank): \(role), \(LaunchEnvironment.hostName)"))])),
        ])
    }

    private func event(_ span: Tracer.Span) -> String {
        var fields: [(String, JSON)] = [
            ("name", .string(span.label ?? span.phase.rawValue)), ("cat", .string(span.phase.rawValue)),
            ("ph", .string("X")), ("pid", .number(0)), ("tid", .number(control.rank)),
            ("ts", Self.microseconds(Double(Int64(span.start) + offset) * 1e-3)),
            ("dur", Self.microseconds(Double(span.end - span.start) * 1e-3)),
        ]
        if let number = span.number { fields.append(("args", object([("number", .number(number))]))) }
        return line(fields)
    }

    private func line(_ fields: [(String, JSON)]) -> String { object(fields).line }

    private func object(_ fields: [(String, JSON)]) -> JSON { .object(JSONObject(uniqueKeysWithValues: fields)) }

    private static func microseconds(_ value: Double) -> JSON { .number(String(format: "%.3f", value)) }
}

import Foundation

/// Finds places in a `metrics.jsonl` that an earlier start has written.
enum MetricsFile {
    private struct Line: Decodable {
        var step: Int
    }

    /// The end of the last whole line of a step up to `step`, among the lines behind the first `start` bytes.
    ///
    /// For a checkpoint that was whole on disk before its place in the file was noted.
    static func end(ofStep step: Int, behind start: UInt64, in runDirectory: URL) -> UInt64 {
        guard let data = try? Data(contentsOf: runDirectory.appending(path: "metrics.jsonl")), start < data.count else {
            return start
        }
        var position = Int(start)
        while let newline = data[position...].firstIndex(of: UInt8(ascii: "\n")),
            let line = try? JSONDecoder().decode(Line.self, from: data[position..<newline]), line.step <= step
        {
            position = newline + 1
        }
        return UInt64(position)
    }
}

import Foundation
import TestSupport
import Testing

/// Arrow in one process with LibTorch, and the memory it takes, by `Tests/Helpers/TableReading`.
@Suite(
    "Reading tables in a process that trains",
    .enabled(if: TestSupport.hasArrow, "launch/setup --arrow brings what reads them"))
struct TableReadingTests {
    /// The lines that the program prints, and the most memory that it had at each, in KiB.
    private func run(_ arguments: [String]) throws -> [(result: String, peak: Int)] {
        let result = try Job(TestSupport.product("table-reading"), arguments, timeLimit: 600).run()
        #expect(result.status == 0, "\(result.errors)\(result.output)")
        return result.output.split(separator: "\n").map { line in
            let words = line.split(separator: " ")
            return (words.dropLast().joined(separator: " "), words.last.flatMap { Int($0) } ?? 0)
        }
    }

    private func table(_ name: String) -> String { TestSupport.fixture("tables/\(name)").path }

    @Test func `Steps of training and Parquet do not disturb each other, whichever came first`() throws {
        let (parquet, stream) = (table("types.parquet"), table("types.stream.arrow"))
        let alone = try run(["step", "step"])
        try #require(alone.count == 2)
        let first = try run(["step", parquet, stream, "step"])
        let second = try run([parquet, stream, "step", parquet, "step"])
        #expect(first.map(\.result) == [alone[0].result, "rows 5", "rows 5", alone[1].result])
        #expect(second.map(\.result) == ["rows 5", "rows 5", alone[0].result, "rows 5", alone[1].result])
    }

    @Test func `A row group of 64 MiB is read in a fraction of that`() throws {
        let read = try run([table("types.parquet"), table("long.parquet")])
        #expect(read.map(\.result) == ["rows 5", "rows 32768"])
        #expect(read[1].peak - read[0].peak < 24 << 10, "\(read[1].peak - read[0].peak) KiB")
    }
}

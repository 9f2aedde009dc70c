import Foundation
import PreferenceData
import Runs

/// What became of the pairs of a bridge: `summary.json`.
package struct BridgeSummary: Codable, Equatable {
    /// Pairs that were read.
    package var count = 0
    /// Pairs that are left.
    package var pairs = 0
    /// Pairs that the program left out.
    package var leftOut = 0
    /// Pairs that are left out because the program gave the losing answer back as it was.
    package var unchanged = 0
    /// By how many code points the edited answers of the pairs that are left are longer than the losing ones, on average.
    package var meanLengthChange = 0.0

    private enum CodingKeys: String, CodingKey {
        case count, pairs, unchanged
        case leftOut = "left_out"
        case meanLengthChange = "mean_length_change"
    }

    /// Takes in the sum of all changes of length.
    mutating func average(_ lengthChange: Int) {
        meanLengthChange = pairs > 0 ? Double(lengthChange) / Double(pairs) : 0
    }

    /// For the person who watches.
    package func line(_ stage: String) -> String {
        let sign = meanLengthChange < 0 ? "" : "+"
        let change = pairs > 0 ? ["mean change \(sign)\(HumanFormat.metric(meanLengthChange)) characters"] : []
        return "  \(stage): "
            + (["\(pairs) of \(HumanFormat.counted(count, "pair"))"] + left + change).joined(separator: "; ")
    }

    /// What is not left, and why.
    package var left: [String] {
        [
            (leftOut, "left out by the program"), (unchanged, "left out as the losing answer itself"),
        ].filter { $0.0 > 0 }.map { "\($0.0) \($0.1)" }
    }

    func write(to directory: URL) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        try OutputFile.write(try encoder.encode(self), to: directory.appending(path: "summary.json"))
    }
}

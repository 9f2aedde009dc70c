/// Seeds as a command line lists them: `1-10`, or `1,3,5-7`.
package struct SeedList: Sendable, Equatable {
    /// In ascending order; none is there twice.
    package let seeds: [Int]

    /// No study has more.
    private static let most = 10_000
    /// A seed has at most so many digits.
    private static let digits = 9

    /// - Parameter option: The option that the text was given to, for errors.
    package init(_ text: String, option: String) throws(StudyError) {
        var seeds: [Int] = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            let ends = part.split(separator: "-", omittingEmptySubsequences: false).map(Self.number)
            guard ends.count <= 2, let first = ends[0], let last = ends[ends.count - 1] else {
                throw StudyError(
                    option, part.isEmpty ? "a seed is missing in '\(text)'" : "'\(part)' is no seed",
                    "give whole numbers and ranges of them, such as 1-10 or 1,3,5-7")
            }
            guard first <= last else {
                throw StudyError(option, "'\(part)' counts down", "write \(last)-\(first)")
            }
            guard seeds.count + last - first < Self.most else {
                throw StudyError(option, "more than \(Self.most) seeds in '\(text)'", "give fewer")
            }
            seeds += first...last
        }
        seeds.sort()
        if let twice = zip(seeds, seeds.dropFirst()).first(where: { $0 == $1 }) {
            throw StudyError(
                option, "seed \(twice.0) is there twice in '\(text)'", "a seed is one repetition: keep one")
        }
        self.seeds = seeds
    }

    private static func number(_ text: Substring) -> Int? {
        let isNumber = (1...digits).contains(text.utf8.count) && text.utf8.allSatisfy { (48...57).contains($0) }
        return isNumber ? Int(text) : nil
    }
}

extension [Int] {
    /// Ascending numbers as a ``SeedList`` is written.
    package var asSeeds: String {
        var ranges: [ClosedRange<Int>] = []
        for seed in self {
            if let last = ranges.last, seed == last.upperBound + 1 {
                ranges[ranges.count - 1] = last.lowerBound...seed
            } else {
                ranges.append(seed...seed)
            }
        }
        return ranges.map { $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound)-\($0.upperBound)" }
            .joined(separator: ",")
    }
}

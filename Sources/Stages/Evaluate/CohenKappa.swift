/// How far two judges agree beyond what chance would give: Cohen's kappa (Cohen 1960, Educational and Psychological
/// Measurement 20), (o - e) / (1 - e), where o is the share of comparisons on which both say the same and e the share on which they
/// would if each said what it says as often, but of other comparisons.
package struct CohenKappa: Sendable, Equatable {
    /// The share of comparisons on which both say the same.
    package let agreement: Double
    /// 1 for judges that always agree, 0 for chance; `nil` where both say the same of everything, which tells nothing.
    package let kappa: Double?

    /// - Parameters:
    ///   - verdicts: What one judge says of each comparison: win, tie or loss as 1, one half and 0.
    ///   - others: What the other one says of the same.
    package init(_ verdicts: [Double], _ others: [Double]) {
        precondition(verdicts.count == others.count && !verdicts.isEmpty, "two judges of the same comparisons")
        let count = Double(verdicts.count)
        let share = { (verdicts: [Double], value: Double) in Double(verdicts.count { $0 == value }) / count }
        agreement = Double(zip(verdicts, others).count { $0 == $1 }) / count
        let expected = Set(verdicts + others).sorted().reduce(0) { $0 + share(verdicts, $1) * share(others, $1) }
        kappa = expected < 1 ? (agreement - expected) / (1 - expected) : nil
    }
}

/// How far a policy is from its reference, from completions that answer other prompts:
/// `max(0, mean(log π - log π_ref))` (KTO, arXiv 2402.01306, 4.1). It has no gradient.
package enum MismatchedDivergence {
    /// - Parameter logRatios: Of each mismatched completion of the whole optimizer step the log-ratio of its sums. A
    ///   number that is not finite stays one.
    package static func estimate(_ logRatios: [Double]) -> Double {
        precondition(!logRatios.isEmpty, "a divergence over nothing")
        let mean = logRatios.reduce(0, +) / Double(logRatios.count)
        return mean < 0 ? 0 : mean
    }
}

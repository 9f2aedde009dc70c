import Runs

/// A worker's responses of all candidates are drawn, scored and reported.
struct CandidatesScored: StageMessage {
    static let kind = "scored"
}

/// The candidate that scored best, which the first worker then writes.
struct ChosenCandidate: StageMessage {
    static let kind = "chosen"
    /// Its index among `alpha`.
    let index: Int
}

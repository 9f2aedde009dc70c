import Runs
import Training

/// Which policies are compared, and what judges say of their responses.
package struct PolicyMatches: Sendable, Equatable {
    /// A policy and the earlier one of the list that it is compared with.
    package struct Match: Sendable, Equatable {
        package let policy: Int
        package let other: Int
    }

    /// In the order of the table.
    package let all: [Match]

    /// Every two of the policies.
    package init(policies: Int) {
        all = (0..<policies).flatMap { policy in (0..<policy).map { Match(policy: policy, other: $0) } }
    }

    /// Those of which a judge is asked that takes time or money: every two, but of many policies each with the first alone.
    package init(asked policies: Int) {
        self.init(policies: policies)
        guard policies > Self.mostOfAll else { return }
        self.init(all.filter { $0.other == 0 })
    }

    private init(_ all: [Match]) { self.all = all }

    /// Up to so many policies every two are compared.
    package static let mostOfAll = 4
}

/// A judge's verdict on two policies' responses to a prompt.
package struct MatchVerdict: Sendable, Codable, Equatable {
    /// Which of the stage's judges.
    package var judge: Int
    /// Which of its matches.
    package var match: Int
    /// The prompt.
    package var index: Int
    /// Which of the responses to it.
    package var sample: Int
    package var verdict: PairVerdict

    package init(judge: Int, match: Int, index: Int, sample: Int, verdict: PairVerdict) {
        (self.judge, self.match, self.index, self.sample) = (judge, match, index, sample)
        self.verdict = verdict
    }
}

/// Verdicts of a worker.
struct MatchVerdictsMessage: StageMessage {
    static let kind = "verdicts"
    let verdicts: [MatchVerdict]
}

import Objectives

/// Advantages that come from outside the sources: how much more reward a response has than the others to its prompt.
struct ToyAdvantage: AdvantageEstimator {
    var needsCritic: Bool { false }
    var keepsGroups: Bool { true }

    func callAsFunction(_ responses: RewardedResponses) -> [AdvantageEstimate] {
        let (rewards, groups, totals) = (responses.rewards, responses.groups, responses.totals)
        let members = Dictionary(grouping: totals.indices) { groups[$0] }
        return totals.indices.map { index in
            let company = members[groups[index], default: []].map { totals[$0] }
            // A group that was parted would compare a response with itself alone.
            precondition(company.count == 2, "\(company.count) responses of group \(groups[index])")
            let advantage = totals[index] - company.reduce(0, +) / Double(company.count)
            return AdvantageEstimate(advantages: rewards[index].map { _ in advantage })
        }
    }
}

import PreferenceData
import Testing

@Suite("Balancing tokens")
struct TokenBalancerTests {
    @Test("The largest items go first, each to the least loaded share; ties go in order")
    func byHand() {
        #expect(TokenBalancer.share([3, 3, 2, 2, 2], over: 2) == [[0, 2, 4], [1, 3]])
        #expect(TokenBalancer.share([1, 1, 1, 1], over: 2) == [[0, 2], [1, 3]])
        #expect(TokenBalancer.share([7], over: 3) == [[0], [], []])
        #expect(TokenBalancer.share([], over: 2) == [[], []])
        #expect(TokenBalancer.group([4, 6, 5, 11, 1], budget: 10) == [[3], [0, 1], [2, 4]])
        #expect(TokenBalancer.group([], budget: 10) == [])
    }

    @Test("Every item goes to exactly one share, and none exceeds the mean by a whole item")
    func shares() {
        var random = SplitMix64(1)
        for _ in 0..<300 {
            let sizes = (0..<random.next(below: 60)).map { _ in 1 + random.next(below: 900) }
            let number = 1 + random.next(below: 9)
            let shares = TokenBalancer.share(sizes, over: number)
            #expect(shares.count == number)
            #expect(shares.flatMap(\.self).sorted() == Array(sizes.indices))
            let loads = shares.map { $0.reduce(0) { $0 + sizes[$1] } }
            let mean = Double(sizes.reduce(0, +)) / Double(number)
            #expect(Double(loads.max() ?? 0) <= mean + Double(sizes.max() ?? 0))
            #expect((loads.max() ?? 0) - (loads.min() ?? 0) <= sizes.max() ?? 0)
        }
    }

    @Test("Groups hold every item once, keep to the budget, and are no more than twice the least number")
    func groups() {
        var random = SplitMix64(2)
        for _ in 0..<300 {
            let sizes = (0..<random.next(below: 60)).map { _ in 1 + random.next(below: 400) }
            let budget = 1 + random.next(below: 1000)
            let groups = TokenBalancer.group(sizes, budget: budget)
            #expect(groups.flatMap(\.self).sorted() == Array(sizes.indices))
            for group in groups { #expect(group.count == 1 || group.reduce(0) { $0 + sizes[$1] } <= budget) }
            let oversized = sizes.count { $0 > budget }
            let rest = sizes.filter { $0 <= budget }.reduce(0, +)
            #expect(groups.count - oversized <= 2 * rest / budget + 1)
        }
    }
}

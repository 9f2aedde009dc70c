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

    @Test("Each item goes, from the largest on, into the first group with room for it")
    func firstFit() {
        var random = SplitMix64(3)
        for _ in 0..<300 {
            let sizes = (0..<random.next(below: 200)).map { _ in 1 + random.next(below: 90) }
            let budget = 1 + random.next(below: 150)
            var expected: [[Int]] = []
            for item in sizes.indices.sorted(by: { (sizes[$1], $0) < (sizes[$0], $1) }) {
                let group = expected.firstIndex { sizes[item] + $0.reduce(0) { $0 + sizes[$1] } <= budget }
                if let group { expected[group].append(item) } else { expected.append([item]) }
            }
            #expect(TokenBalancer.group(sizes, budget: budget) == expected.map { $0.sorted() })
        }
    }

    @Test("Packing sixteen times as many items takes some sixteen times as long, not 256 times")
    func longList() {
        func time(_ count: Int) -> Duration {
            var random = SplitMix64(4)
            let sizes = (0..<count).map { _ in 300 + random.next(below: 700) }
            let times = (0..<3).map { _ in
                ContinuousClock().measure { #expect(TokenBalancer.group(sizes, budget: 2048).count > count / 4) }
            }
            return times.min() ?? .zero
        }
        #expect(time(32_000) < time(2000) * 80)
    }
}

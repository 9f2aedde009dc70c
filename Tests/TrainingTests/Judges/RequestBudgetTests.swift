import Testing
import Training

@Suite("The budget of requests")
struct RequestBudgetTests {
    @Test("Requests have the same distance, whoever sends them")
    func rate() {
        let budget = RequestBudget(requests: nil, perMinute: 30)
        #expect(budget.take(now: 10) == 0)
        #expect(budget.take(now: 10) == 2)
        #expect(budget.take(now: 11) == 3)
        #expect(budget.take(now: 100) == 0)
    }

    @Test("What is left of a stage's requests is shared among its workers")
    func shares() {
        let counts = (0..<3).map { worker in
            let budget = RequestBudget(sharing: 10, spent: 2, perMinute: 6, worker: worker, of: 3)
            var count = 0
            while budget.take(now: 0) != nil { count += 1 }
            return count
        }
        #expect(counts == [3, 3, 2])
        let spent = RequestBudget(sharing: 10, spent: 12, perMinute: nil, worker: 0, of: 1)
        #expect(spent.take(now: 0) == nil)
        // A third of six a minute.
        let slow = RequestBudget(sharing: nil, spent: 0, perMinute: 6, worker: 0, of: 3)
        _ = slow.take(now: 0)
        #expect(slow.take(now: 0) == 30)
    }

    @Test("Delays double, chance takes off up to a half, and a server's wish counts")
    func delays() {
        #expect((0..<4).map { RetryDelay.seconds($0, luck: 0) } == [0.5, 1, 2, 4])
        #expect(RetryDelay.seconds(2, luck: 1) == 1)
        #expect(RetryDelay.seconds(100, luck: 0) == 30)
        #expect(RetryDelay.seconds(0, retryAfter: 7) == 7)
        #expect(RetryDelay.seconds(0, retryAfter: 86_400) == 600)
    }
}

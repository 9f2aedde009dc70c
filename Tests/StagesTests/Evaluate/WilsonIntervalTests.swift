import Commands
import Runs
import Stages
import Testing
import Training

@Suite("The interval of a win rate")
struct WilsonIntervalTests {
    @Test(
        "It is Wilson's, as SciPy has it, within 0 and 1, and never without a width",
        arguments: [
            // scipy.stats.binomtest(wins, count).proportion_ci(method="wilson")
            (0, 1, 0, 0.7934506855), (1, 1, 0.2065493144, 1), (1, 3, 0.0614919447, 0.7923403992),
            (3, 3, 0.4385029682, 1), (0, 400, 0, 0.0095122943), (400, 400, 0.9904877057, 1),
            (306, 400, 0.7210494588, 0.8039090252), (1, 2, 0.0945312057, 0.9054687943),
        ])
    func wilson(wins: Int, count: Int, low: Double, high: Double) {
        let interval = WilsonInterval(rate: Double(wins) / Double(count), count: count)
        #expect(abs(interval.low - low) < 1e-9 && abs(interval.high - high) < 1e-9)
        #expect(interval.low >= 0 && interval.high <= 1 && interval.low < interval.high)
    }

    @Test("Of no draws it says nothing")
    func none() {
        let interval = WilsonInterval(rate: 0, count: 0)
        #expect(interval.low == 0 && interval.high == 1)
    }
}

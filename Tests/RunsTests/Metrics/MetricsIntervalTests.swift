import Foundation
import Runs
import Stages
import Testing
import Training

@Suite("Metrics between two lines")
struct MetricsIntervalTests {
    @Test("A line has the means of its steps, but the latest rate, norm, count and evaluation")
    func means() {
        var interval = MetricsInterval()
        #expect(interval.isEmpty)
        interval.add(["loss": 1, "learning_rate": 0.5, "grad_norm": 7, "num_tokens": 10, "eval_loss": 3, "rare": 4])
        interval.add(["loss": 4, "learning_rate": 0.25, "grad_norm": 9, "num_tokens": 30, "eval_loss": 2])
        #expect(
            interval.values == [
                "loss": 2.5, "learning_rate": 0.25, "grad_norm": 9, "num_tokens": 30, "eval_loss": 2, "rare": 4,
            ])
    }

    @Test("A single step is as it was; of several, what is not finite counts only where nothing else is there")
    func notFinite() {
        var interval = MetricsInterval()
        interval.add(["loss": -.infinity, "lr": 0.1])
        #expect(interval.values == ["loss": -.infinity, "lr": 0.1])
        interval.add(["loss": 3, "lr": 0.1])
        interval.add(["loss": .nan, "lr": 0.1])
        #expect(interval.values == ["loss": 3, "lr": 0.1])
    }
}

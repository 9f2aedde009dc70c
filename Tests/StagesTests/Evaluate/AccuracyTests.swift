import Foundation
import Runs
import Stages
import Testing
import Training

@Suite("How often a policy is right")
struct AccuracyTests {
    @Test("pass@k is the share of choices of k from n that have a right one")
    func estimator() {
        for count in 1...6 {
            for right in 0...count {
                for tries in 1...count {
                    // The first `right` are right.
                    let choices = (0..<(1 << count)).filter { $0.nonzeroBitCount == tries }
                    let passing = choices.count { $0 & ((1 << right) - 1) != 0 }
                    let found = Accuracy.passRate(of: count, right: right, tries: tries)
                    #expect(abs(found - Double(passing) / Double(choices.count)) < 1e-12, "\(count) \(right) \(tries)")
                }
            }
        }
    }

    @Test("maj@1 is the mean, maj@k the vote of equal answers, a tie going to the first, and intervals are of prompts")
    func votes() {
        let accuracy = accuracy(
            [
                [("so 4", 1), ("4.0", 1), ("5", 0), ("6", 0)], [("7", 0), ("8.", 1), ("7", 0), ("It is 8", 1)],
                [("3", 1), ("2", 0), ("2.", 0), ("1", 0)], [("a", 0), ("A ", 0), ("b", 0), ("9", 1)],
            ], by: "rule:number:answer")
        #expect(accuracy.names == ["maj@1", "maj@4", "pass@2", "pass@4"])
        #expect(["maj@1", "maj@4", "pass@4"].map { accuracy.rates[$0]?.rate } == [0.375, 0.25, 1])
        // 1 - C(2,2)/C(4,2) twice, and 1 - C(3,2)/C(4,2) twice.
        #expect(abs((accuracy.rates["pass@2"]?.rate ?? 0) - (2 * 5.0 / 6 + 2 * 0.5) / 4) < 1e-12)
        let interval = WilsonInterval(rate: 0.25, count: 4)
        #expect(accuracy.rates["maj@4"]?.low == interval.low && accuracy.rates["maj@4"]?.high == interval.high)
    }

    @Test("Without a rule that extracts them answers are texts, whose case and spaces do not count")
    func texts() {
        let accuracy = accuracy([[("no", 0), ("Yes  sir", 1), ("yes sir", 1)]], by: "command:judge")
        #expect(accuracy.rates["maj@3"]?.rate == 1)
        #expect(accuracy.names == ["maj@1", "maj@3", "pass@2", "pass@3"])
        #expect(self.accuracy([[("no", 0)]], by: "command:judge").names == ["maj@1"])
    }

    private func accuracy(_ prompts: [[(text: String, score: Double)]], by judge: String) -> Accuracy {
        let samples = prompts.enumerated().flatMap { index, responses in
            responses.enumerated().map { sample, response in
                SampledResponse(
                    policy: 0, index: index, sample: sample, text: response.text, length: 1, isFinished: true,
                    score: response.score)
            }
        }
        return Accuracy(samples, threshold: 1, answer: ResponseAnswer(to: ArtifactReference(judge) ?? .base))
    }
}

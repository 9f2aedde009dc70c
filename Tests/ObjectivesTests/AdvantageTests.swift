import Foundation
import Objectives
import Testing

@Suite struct AdvantageEstimationTests {
    @Test("the worked example gives the known advantages and returns")
    func workedExample() {
        let estimate = GeneralizedAdvantage(discount: 1, lambda: 0.95)(
            rewards: [-0.02, 0.01, 1], values: [0.1, 0.2, 0.3])
        #expect(difference(estimate.advantages, [0.81625, 0.775, 0.7]) < 1e-12)
        #expect(difference(estimate.returns, [0.91625, 0.975, 1]) < 1e-12)
    }

    @Test("random responses give the defining sum's advantages and returns")
    func randomResponses() throws {
        for fixture in try Fixture.load().gaeRandom {
            let estimate = GeneralizedAdvantage(discount: fixture.gamma, lambda: fixture.lambda)(
                rewards: fixture.rewards, values: fixture.values)
            #expect(difference(estimate.advantages, fixture.advantages) < 1e-12)
            #expect(difference(estimate.returns, fixture.returns) < 1e-12)
        }
    }

    @Test("a running deviation is that of all scores so far, in whatever parts they come, and 1 before they differ")
    func runningDeviation() {
        var deviation = RunningDeviation()
        #expect(deviation.scale == 1)
        deviation.add(Moments([2]))
        deviation.add(Moments([2, 2]))
        #expect(deviation.scale == 1)
        for score in [0.1, -0.2, 0.9] {
            var same = RunningDeviation()
            same.add(Moments(Array(repeating: score, count: 64)))
            #expect(same.scale == 1)
        }
        deviation.add(Moments([5, -1]))
        // numpy.std([2, 2, 2, 5, -1], ddof=1)
        #expect(abs(deviation.scale - 2.1213203435596424) < 1e-12)
    }

    @Test("with λ = 1 and γ = 1 the return is the sum of rewards to come, whatever the values")
    func monteCarlo() {
        let estimate = GeneralizedAdvantage(discount: 1, lambda: 1)(rewards: [1, -2, 4], values: [9, -3, 5])
        #expect(difference(estimate.returns, [3, 2, 4]) < 1e-12)
    }
}

@Suite struct WhiteningTests {
    @Test("the worked example gives the population's whitening")
    func workedExample() {
        let values = [0.81625, 0.775, 0.7]
        let whitened = Whitening()(values, moments: Moments(values))
        #expect(difference(whitened, [1.0909987445, 0.2337854453, -1.3247841898]) < 1e-8)
    }

    @Test("sequences are whitened over all tokens at once, from moments merged in parts")
    func mergedMoments() throws {
        let fixture = try Fixture.load().whitening
        var moments = Moments()
        for sequence in fixture.sequences { moments.merge(Moments(sequence)) }
        for (index, sequence) in fixture.sequences.enumerated() {
            let whitened = Whitening()(sequence, moments: moments)
            let keeping = Whitening(shiftsMean: false)(sequence, moments: moments)
            #expect(difference(whitened, fixture.whitened[index]) < 1e-10)
            #expect(difference(keeping, fixture.whitenedKeepingMean[index]) < 1e-10)
        }
    }

    @Test("equal numbers become zeros, and no numbers stay none", arguments: [0.0, 0.1, -7, 1e6])
    func equalNumbers(value: Double) {
        let values = [Double](repeating: value, count: 7)
        let whitened = Whitening()(values, moments: Moments(values))
        #expect(whitened.allSatisfy { abs($0) < 1e-4 })
        #expect(Whitening()([], moments: Moments()).isEmpty)
    }

    @Test("a constant reward with a critic that knows it gives zero advantages after whitening")
    func constantReward() {
        let estimate = GeneralizedAdvantage()
        var all: [Double] = []
        for length in [3, 8, 1] {
            var rewards = [Double](repeating: 0, count: length)
            rewards[length - 1] = 2
            all += estimate(rewards: rewards, values: [Double](repeating: 2, count: length)).advantages
        }
        #expect(Whitening()(all, moments: Moments(all)).allSatisfy { abs($0) < 1e-9 })
    }
}

@Suite struct KLTests {
    @Test("the estimators have the known values at -0.3")
    func workedExample() {
        #expect(KLEstimator.k1(-0.3) == -0.3)
        #expect(difference(KLEstimator.k2(-0.3), 0.045) < 1e-12)
        #expect(difference(KLEstimator.k3(-0.3), 0.04985881) < 1e-6)
        #expect(KLEstimator.clampedK1(-0.3) == 0 && KLEstimator.clampedK1(0.3) == 0.3)
    }

    @Test("the estimators give the reference's values at random log-ratios")
    func randomRatios() throws {
        let fixture = try Fixture.load().klEstimators
        #expect(fixture.x.map { KLEstimator.k1($0) } == fixture.k1)
        #expect(difference(fixture.x.map { KLEstimator.k2($0) }, fixture.k2) < 1e-12)
        #expect(difference(fixture.x.map { KLEstimator.k3($0) }, fixture.k3) < 1e-12)
        #expect(fixture.x.map { KLEstimator.clampedK1($0) } == fixture.k1Clamped)
    }

    @Test("the adaptive coefficient follows the reference, step by step")
    func adaptive() throws {
        let fixture = try Fixture.load().adaptiveKl
        var controller = KLController(
            fixture.initial, rule: .adaptive(target: fixture.target, horizon: fixture.horizon))
        for (kl, expected) in zip(fixture.kl, fixture.coefficients) {
            controller.update(kl: kl, responses: fixture.sequencesPerStep)
            #expect(difference(controller.coefficient, expected) < 1e-12)
        }
        #expect(difference(fixture.coefficients[0], 0.201024) < 1e-12)
    }

    @Test("a fixed coefficient stays, and an adaptive one ignores a KL that is not finite")
    func fixedAndNotFinite() {
        var fixed = KLController(0.05)
        fixed.update(kl: 100, responses: 512)
        #expect(fixed.coefficient == 0.05)
        var adaptive = KLController(0.2, rule: .adaptive(target: 6, horizon: 100))
        adaptive.update(kl: .nan, responses: 64)
        #expect(adaptive.coefficient == 0.2)
    }

    @Test("a run that resumes goes on at the coefficient it had come to, by the rule it is given")
    func resumed() {
        var saved = KLController(0.2, rule: .adaptive(target: 6, horizon: 1000))
        saved.update(kl: 9, responses: 64)
        let other = KLController(0.1, rule: .adaptive(target: 3, horizon: 500)).resumed(at: saved)
        #expect(other.coefficient == saved.coefficient && other.rule == .adaptive(target: 3, horizon: 500))
        #expect(KLController(0.2, rule: saved.rule).resumed(at: saved) == saved)
        #expect(KLController(0.1).resumed(at: saved) == KLController(0.1))
        var spoilt = KLController(0.2, rule: .adaptive(target: 6, horizon: 6))
        spoilt.update(kl: 0, responses: 64)
        #expect(spoilt.coefficient < 0)
        #expect(KLController(0.2, rule: saved.rule).resumed(at: spoilt).coefficient == 0.2)
    }

    @Test("a controller that is encoded and decoded goes on where it was")
    func coding() throws {
        var controller = KLController(0.2, rule: .adaptive(target: 6, horizon: 1000))
        controller.update(kl: 9, responses: 64)
        let data = try JSONEncoder().encode(controller)
        var resumed = try JSONDecoder().decode(KLController.self, from: data)
        #expect(resumed == controller)
        controller.update(kl: 2, responses: 64)
        resumed.update(kl: 2, responses: 64)
        #expect(resumed == controller)
    }
}

@Suite struct RewardShapingTests {
    @Test("random responses give the reference's rewards")
    func randomResponses() throws {
        let fixtures = try Fixture.load().shapedRewards
        for fixture in fixtures {
            let shaping = KLPenalizedReward(
                estimator: try #require(KLEstimator(rawValue: fixture.estimator)),
                score: ScoreShaping(clip: fixture.rewardClip, missingEOSPenalty: fixture.missingEosPenalty))
            let rewards = shaping.rewards(
                score: fixture.score, endsWithEOS: fixture.endsWithEos, logps: fixture.oldLogps,
                referenceLogps: fixture.referenceLogps, coefficient: fixture.klCoef)
            #expect(difference(rewards, fixture.rewards) < 1e-12)
        }
        #expect(!fixtures.isEmpty)
    }

    @Test(
        "the rewards add up to the score minus the weighted KL, and only the last token holds the score",
        arguments: KLEstimator.allCases)
    func invariant(estimator: KLEstimator) {
        var source = NumberSource(5)
        let (logps, reference) = (source.list(9, offset: -2), source.list(9, offset: -2))
        let shaping = KLPenalizedReward(estimator: estimator)
        let rewards = shaping.rewards(
            score: 1.5, endsWithEOS: true, logps: logps, referenceLogps: reference, coefficient: 0.1)
        let kl = zip(logps, reference).map { estimator($0 - $1) }
        let expected = 1.5 - 0.1 * kl.reduce(0, +)
        #expect(difference(rewards.reduce(0, +), expected) < 1e-12)
        for t in 0..<8 { #expect(rewards[t] == -0.1 * kl[t]) }
    }
}

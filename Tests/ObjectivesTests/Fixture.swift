import Foundation
import TestSupport
import Torch

/// `Tests/Fixtures/objectives.json`: formulas evaluated in float64 and their gradients, by a script that shares no code
/// with this project.
struct Fixture: Decodable {
    struct Gradients: Decodable {
        var perPair: [Double]
        var loss: Double
        var chosenGradient: [Double]
        var rejectedGradient: [Double]
    }
    struct Sides<Value: Decodable>: Decodable {
        var chosen: [Value]
        var rejected: [Value]
    }
    struct PreferenceRandom: Decodable {
        var beta: Double
        var labelSmoothing: Double
        var lengths: Sides<Int>
        var policyLogps: Sides<Double>
        var referenceLogps: Sides<Double>
        var losses: [String: Gradients]
    }
    struct PreferenceGolden: Decodable {
        var beta: Double
        var labelSmoothing: Double
        var tokenLogps: [String: [Double]]
        var losses: [String: Double]
    }
    struct BradleyTerry: Decodable {
        var chosenRewards: [Double]
        var rejectedRewards: [Double]
        var centerRewardsCoefficient: Double
        var lossWithoutCentering: Double
        var loss: Double
        var accuracy: Double
        var margin: Double
        var chosenGradient: [Double]
        var rejectedGradient: [Double]
    }
    struct Advantages: Decodable {
        var rewards: [Double]
        var values: [Double]
        var gamma: Double
        var lambda: Double
        var advantages: [Double]
        var returns: [Double]
    }
    struct Whitening: Decodable {
        var sequences: [[Double]]
        var whitened: [[Double]]
        var whitenedKeepingMean: [[Double]]
    }
    struct KL: Decodable {
        var x: [Double]
        var k1: [Double]
        var k2: [Double]
        var k3: [Double]
        var k1Clamped: [Double]
    }
    struct AdaptiveKL: Decodable {
        var initial: Double
        var target: Double
        var horizon: Double
        var sequencesPerStep: Int
        var kl: [Double]
        var coefficients: [Double]
    }
    struct ShapedRewards: Decodable {
        var estimator: String
        var klCoef: Double
        var score: Double
        var rewardClip: Double?
        var missingEosPenalty: Double
        var endsWithEos: Bool
        var oldLogps: [Double]
        var referenceLogps: [Double]
        var rewards: [Double]
    }
    struct PPO: Decodable {
        struct Policy: Decodable {
            var loss: Double
            var gradient: [Double]
            var clipFraction: Double
            var approxKlK2: Double
            var meanRatio: Double
        }
        struct Value: Decodable {
            var loss: Double
            var gradient: [Double]
            var clipFraction: Double
        }
        var lengths: [Int]
        var clipRange: Double
        var clipRangeValue: Double
        var newLogps: [Double]
        var oldLogps: [Double]
        var sampledLogps: [Double]
        var advantages: [Double]
        var newValues: [Double]
        var oldValues: [Double]
        var returns: [Double]
        var policy: Policy
        var behaviourWeights: [Double]
        var policyWithBehaviourWeights: Policy
        var value: Value
    }

    var preferenceGolden: PreferenceGolden
    var preferenceRandom: PreferenceRandom
    var bradleyTerry: BradleyTerry
    var gaeRandom: [Advantages]
    var whitening: Whitening
    var klEstimators: KL
    var adaptiveKl: AdaptiveKL
    var shapedRewards: [ShapedRewards]
    var ppo: [PPO]

    static func load() throws -> Fixture {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return try decoder.decode(Fixture.self, from: Data(contentsOf: TestSupport.fixture("objectives.json")))
    }
}

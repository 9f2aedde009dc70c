import Foundation
import TestSupport
import Testing
import Torch

/// `Tests/Fixtures/optimizer.json`: PyTorch's AdamW in float64 and transformers' schedules.
private struct Fixture: Decodable {
    struct AdamW: Decodable {
        var lr: Double
        var betas: [Double]
        var eps: Double
        var weightDecay: Double
        var maxGradNorm: Double
        var initial: [Double]
        var gradients: [[Double]]
        var norms: [Double]
        var values: [[Double]]
    }
    struct Schedules: Decodable {
        struct Case: Decodable {
            var lrSchedulerType: String
            var warmupSteps: Int
            var totalSteps: Int
            var factors: [Double]
        }
        var cases: [Case]
    }
    var adamw: AdamW
    var schedules: Schedules

    static func load() throws -> Fixture {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return try decoder.decode(Fixture.self, from: Data(contentsOf: TestSupport.fixture("optimizer.json")))
    }
}

@Suite struct AdamWTests {
    @Test("clipped steps follow PyTorch's AdamW in float64")
    func againstPyTorch() throws {
        let fixture = try Fixture.load().adamw
        let buffer = ParameterGroup(
            "model", [.init(name: "a", shape: [fixture.initial.count], decays: true)], trainable: true)
        let store = ParameterStore([buffer])
        let optimizer = AdamW(
            store,
            options: .init(
                beta1: fixture.betas[0], beta2: fixture.betas[1], epsilon: fixture.eps,
                weightDecay: fixture.weightDecay))
        let range = 0..<fixture.initial.count
        buffer.values.narrowed(0, range).copy(from: Tensor(fixture.initial))
        for (step, gradient) in fixture.gradients.enumerated() {
            buffer.gradients?.narrowed(0, range).copy(from: Tensor(gradient))
            let norm = store.gradientNorm()
            #expect(abs(norm - fixture.norms[step]) < 1e-6 * norm)
            store.clipGradients(maxNorm: fixture.maxGradNorm, norm: norm)
            optimizer.update(learningRate: fixture.lr)
            let values = buffer.values.narrowed(0, range).doubles()
            // The change since the start is compared, not the value, which hides it.
            let change = zip(values, fixture.initial).map(-)
            let expected = zip(fixture.values[step], fixture.initial).map(-)
            #expect(relativeDifference(change, expected) < 1e-5)
        }
    }

    @Test("decay shrinks the decayed part alone, and both parts follow the rule in float64 over ten steps")
    func againstRule() {
        let names = ["decayed", "plain"]
        let buffer = ParameterGroup(
            "model", names.map { .init(name: $0, shape: [5], decays: $0 == "decayed") }, trainable: true)
        let options = AdamW.Options(beta1: 0.8, beta2: 0.99, epsilon: 1e-6, weightDecay: 0.3)
        let optimizer = AdamW(ParameterStore([buffer]), options: options)
        var source = NumberSource(51)
        var rules = names.map { Rule(source.floats(5).map(Double.init), options, decays: $0 == "decayed") }
        for (name, rule) in zip(names, rules) { buffer[name].detached().copy(from: Tensor(rule.values)) }
        for step in 1...10 {
            let rate = 0.02 / Double(step)
            for (index, placement) in buffer.entries.enumerated() {
                let gradient = source.floats(5)
                buffer.gradients?.narrowed(0, placement.range).copy(from: Tensor(gradient))
                rules[index].update(gradient.map(Double.init), step: step, rate: rate)
            }
            optimizer.update(learningRate: rate)
        }
        for (name, rule) in zip(names, rules) {
            #expect(relativeDifference(zip(buffer[name].doubles(), rule.start).map(-), rule.change) < 1e-5)
        }
        #expect(optimizer.step == 10)
        // Padding stays zero.
        #expect(buffer.values.narrowed(0, 5..<16).norm() == 0)
    }

    /// Loshchilov & Hutter's algorithm 2, in float64.
    private struct Rule {
        let start: [Double]
        var values: [Double]
        var first: [Double]
        var second: [Double]
        let options: AdamW.Options
        let decay: Double

        init(_ values: [Double], _ options: AdamW.Options, decays: Bool) {
            start = values
            self.values = values
            first = values.map { _ in 0 }
            second = first
            self.options = options
            decay = decays ? options.weightDecay : 0
        }

        var change: [Double] { zip(values, start).map(-) }

        mutating func update(_ gradient: [Double], step: Int, rate: Double) {
            let (beta1, beta2) = (options.beta1, options.beta2)
            for i in values.indices {
                first[i] = beta1 * first[i] + (1 - beta1) * gradient[i]
                second[i] = beta2 * second[i] + (1 - beta2) * gradient[i] * gradient[i]
                let mean = first[i] / (1 - pow(beta1, Double(step)))
                let square = second[i] / (1 - pow(beta2, Double(step)))
                values[i] -= rate * (mean / (square.squareRoot() + options.epsilon) + decay * values[i])
            }
        }
    }
}

@Suite struct LearningRateScheduleTests {
    @Test("rates equal those of transformers' schedulers, step by step")
    func againstTransformers() throws {
        for test in try Fixture.load().schedules.cases {
            // `constant` has no warm-up there, whatever is asked for.
            let plain = test.lrSchedulerType == "constant"
            let decay = try #require(
                LearningRateSchedule.Decay(
                    rawValue: test.lrSchedulerType.replacing("constant_with_warmup", with: "constant")))
            let schedule = LearningRateSchedule(
                peak: 3e-6, warmupSteps: plain ? 0 : test.warmupSteps, totalSteps: test.totalSteps, decay: decay)
            for (step, factor) in test.factors.enumerated() {
                #expect(abs(schedule.rate(at: step) - 3e-6 * factor) < 1e-18)
            }
        }
    }

    @Test("past its end, a decaying schedule stays at zero", arguments: [LearningRateSchedule.Decay.linear, .cosine])
    func pastTheEnd(decay: LearningRateSchedule.Decay) {
        let schedule = LearningRateSchedule(peak: 1, warmupSteps: 2, totalSteps: 10, decay: decay)
        #expect(schedule.rate(at: 10) < 1e-15 && schedule.rate(at: 25) < 1e-15)
        #expect(schedule.rate(at: 0) == 0 && schedule.rate(at: 1) == 0.5 && schedule.rate(at: 2) == 1)
    }
}

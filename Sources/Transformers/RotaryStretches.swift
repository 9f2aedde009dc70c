import Foundation
import JSON

/// YaRN (Peng et al., arXiv 2309.00071): waves that turn often within the old context stay, those that turn less than once are
/// stretched by the factor, those between by an interpolation; and scores are sharpened by a factor on cosines and sines.
struct YarnStretch {
    let factor: Float
    private let stretch: Double
    /// The pairs of channels between which frequencies go over, which need not be whole.
    private let ramp: (low: Double, high: Double)

    init(_ settings: RotarySettings) throws(ModelError) {
        let block = settings.block
        let positions = Double(try settings.requiredOriginalPositions(default: settings.maximumPositions))
        stretch =
            block.has("factor")
            ? try block.number("factor", in: 1...1e6) : Double(settings.maximumPositions) / positions
        let scale = { [stretch] (weight: Double) in stretch <= 1 ? 1 : 0.1 * weight * log(stretch) + 1 }
        if block.has("attention_factor") {
            factor = Float(try block.number("attention_factor", in: 0...1e6))
        } else {
            let weights = try (
                block.number("mscale", in: 0...1e6, default: 0), block.number("mscale_all_dim", in: 0...1e6, default: 0)
            )
            factor = Float(weights.0 > 0 && weights.1 > 0 ? scale(weights.0) / scale(weights.1) : scale(1))
        }
        let (fast, slow) = try (
            block.number("beta_fast", in: 1e-3...1e6, default: 32),
            block.number("beta_slow", in: 1e-3...1e6, default: 1)
        )
        let width = Double(2 * settings.pairs)
        let pair = { (turns: Double) in width * log(positions / (turns * 2 * .pi)) / (2 * log(settings.theta)) }
        let isWhole = try block.bool("truncate", default: true)
        let (low, high) = (
            isWhole ? pair(fast).rounded(.down) : pair(fast), isWhole ? pair(slow).rounded(.up) : pair(slow)
        )
        ramp = (max(low, 0), min(high, width - 1))
    }

    /// Radians a position from those without a stretch.
    func frequencies(_ plain: [Float]) -> [Float] {
        let (low, high) = (Float(ramp.low), Float(ramp.low == ramp.high ? ramp.high + 0.001 : ramp.high))
        return plain.enumerated().map { index, frequency in
            let stretched = min(max((Float(index) - low) / (high - low), 0), 1)
            return frequency / Float(stretch) * stretched + frequency * (1 - stretched)
        }
    }
}

/// LongRoPE (Ding et al., arXiv 2402.13753): a factor for each pair of channels, others for sequences longer than the context of
/// before.
struct LongStretch {
    let short: [Float]
    let long: [Float]
    let factor: Float
    let context: Int

    init(_ settings: RotarySettings, pairs: Int) throws(ModelError) {
        let block = settings.block
        let positions = try settings.requiredOriginalPositions(default: nil)
        let stretch =
            block.has("factor")
            ? try block.number("factor", in: 1e-3...1e6) : Double(settings.maximumPositions) / Double(positions)
        let standard = stretch <= 1 ? 1 : (1 + log(stretch) / log(Double(positions))).squareRoot()
        factor = Float(try block.number("attention_factor", in: 0...1e6, default: standard))
        let plain = (0..<pairs).map { pow(Float(settings.theta), Float(2 * $0) / Float(2 * pairs)) }
        func frequencies(_ key: String) throws(ModelError) -> [Float] {
            guard case .array(let items)? = block.values[key], items.count == pairs else {
                throw block.error(key, "must list a number for each of the \(pairs) pairs of channels")
            }
            let factors = items.compactMap(\.double).filter { $0 > 0 }
            guard factors.count == pairs else { throw block.error(key, "must hold positive numbers") }
            return zip(factors, plain).map { 1 / (Float($0) * $1) }
        }
        (short, long) = (try frequencies("short_factor"), try frequencies("long_factor"))
        context = positions
    }
}

/// How the length of a sequence changes its frequencies, once it is longer than a context.
package struct LengthStretch: Sendable, Equatable {
    /// What they become.
    package enum Rule: Sendable, Equatable {
        /// The same of all such lengths (LongRoPE).
        case listed([Float])
        /// Those of a base that grows with the length (dynamic NTK).
        case rescaled(base: Float, factor: Float, pairs: Int)
    }

    /// The longest sequence that has the frequencies of short ones.
    package let context: Int
    package let rule: Rule

    /// Dynamic NTK: the base times `(factor length / context - factor + 1)^(d / (d - 2))` for d rotated channels, as transformers 5 has it.
    static func dynamic(_ settings: RotarySettings) throws(ModelError) -> LengthStretch {
        let factor = try settings.block.number("factor", in: 1...1e6)
        return LengthStretch(
            context: settings.maximumPositions,
            rule: .rescaled(base: Float(settings.theta), factor: Float(factor), pairs: settings.pairs))
    }

    /// The frequencies of a sequence that is longer than the context.
    func frequencies(ofLength length: Int) -> [Float] {
        switch rule {
        case .listed(let frequencies): return frequencies
        case .rescaled(let base, let factor, let pairs):
            let channels = Float(2 * pairs)
            let growth = factor * Float(length) / Float(context) - (factor - 1)
            let longer = base * pow(growth, channels / (channels - 2))
            return (0..<pairs).map { 1 / pow(longer, Float(2 * $0) / channels) }
        }
    }

    /// Whether sequences of both lengths have the same frequencies.
    func isSame(at length: Int, as other: Int) -> Bool {
        if length <= context || other <= context { return max(length, other) <= context }
        return rule.isListed || length == other
    }
}

extension LengthStretch.Rule {
    fileprivate var isListed: Bool { if case .listed = self { true } else { false } }
}

extension DecoderSpecification {
    /// The longest sequence that rotates as all shorter ones do; `nil` where all do.
    package var rotaryContext: Int? { layers.compactMap(\.attention.rotary?.stretch?.context).min() }

    /// Whether keys of a sequence of one length are those of its start at another.
    func rotatesAlike(at length: Int, as other: Int) -> Bool {
        layers.allSatisfy { $0.attention.rotary?.stretch?.isSame(at: length, as: other) ?? true }
    }
}

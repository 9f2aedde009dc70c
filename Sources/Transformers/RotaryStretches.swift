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

/// LongRoPE (Ding et al., arXiv 2402.13753) up to the context of before: a factor for each pair of channels.
///
/// Beyond that context its models take other factors for the whole sequence, which is not supported.
struct LongStretch {
    let frequencies: [Float]
    let factor: Float
    let maximumLength: Int

    init(_ settings: RotarySettings, pairs: Int) throws(ModelError) {
        let block = settings.block
        let positions = try settings.requiredOriginalPositions(default: nil)
        let stretch =
            block.has("factor")
            ? try block.number("factor", in: 1e-3...1e6) : Double(settings.maximumPositions) / Double(positions)
        let standard = stretch <= 1 ? 1 : (1 + log(stretch) / log(Double(positions))).squareRoot()
        factor = Float(try block.number("attention_factor", in: 0...1e6, default: standard))
        guard case .array(let items)? = block.values["short_factor"], items.count == pairs else {
            throw block.error("short_factor", "must list a number for each of the \(pairs) pairs of channels")
        }
        let base = Float(settings.theta)
        var all: [Float] = []
        for (index, item) in items.enumerated() {
            guard let number = item.double, number > 0 else {
                throw block.error("short_factor", "must hold positive numbers")
            }
            all.append(1 / (Float(number) * pow(base, Float(2 * index) / Float(2 * pairs))))
        }
        frequencies = all
        maximumLength = positions
    }
}

import Foundation

/// Student's t distribution.
package struct StudentT: Sendable, Equatable {
    /// More than 0.
    package let degreesOfFreedom: Double

    package init(degreesOfFreedom: Double) {
        precondition(degreesOfFreedom > 0, "\(degreesOfFreedom) degrees of freedom")
        self.degreesOfFreedom = degreesOfFreedom
    }

    /// The probability of at most `t`.
    package func cumulative(_ t: Double) -> Double {
        let tail = twoSidedTail(t) / 2
        return t < 0 ? tail : 1 - tail
    }

    /// The probability of a value at least as far from 0 as `t`: the regularized incomplete beta function at ν / (ν + t²)
    /// for ν/2 and 1/2 (Abramowitz and Stegun 26.7.1).
    package func twoSidedTail(_ t: Double) -> Double {
        let square = t * t
        guard square.isFinite else { return t.isNaN ? .nan : 0 }
        let sum = degreesOfFreedom + square
        return IncompleteBeta(a: degreesOfFreedom / 2, b: 0.5)(degreesOfFreedom / sum, complement: square / sum)
    }

    /// The value that a draw is at most with probability `p`, which lies between 0 and 1.
    package func quantile(_ p: Double) -> Double {
        precondition(p > 0 && p < 1, "a quantile at \(p)")
        let tail = 2 * min(p, 1 - p)
        guard tail < 1 else { return 0 }
        var (low, high) = (0.0, 1.0)
        while twoSidedTail(high) > tail { (low, high) = (high, 2 * high) }
        // Newton's steps, and halves where they lead out of the bracket.
        var t = (low + high) / 2
        for _ in 0..<200 {
            let excess = twoSidedTail(t) - tail
            if excess == 0 { break }
            if excess > 0 { low = t } else { high = t }
            var next = t + excess / (2 * density(t))
            if !(next > low && next < high) { next = (low + high) / 2 }
            guard abs(next - t) > 1e-15 * t else { break }
            t = next
        }
        return p < 0.5 ? -t : t
    }

    private func density(_ t: Double) -> Double {
        let nu = degreesOfFreedom
        let scale: Double = lgamma((nu + 1) / 2) - lgamma(nu / 2) - 0.5 * log(nu * Double.pi)
        let decay: Double = (nu + 1) / 2 * log1p(t * t / nu)
        return exp(scale - decay)
    }
}

/// The regularized incomplete beta function I_x(a, b).
private struct IncompleteBeta {
    let a: Double
    let b: Double

    /// - Parameter complement: 1 - x, whose digits would be lost where x is close to 1.
    func callAsFunction(_ x: Double, complement: Double) -> Double {
        guard x > 0 else { return 0 }
        guard complement > 0 else { return 1 }
        let beta: Double = lgamma(a) + lgamma(b) - lgamma(a + b)
        let logarithm: Double = a * log(x) + b * log(complement) - beta
        return x < (a + 1) / (a + b + 2)
            ? exp(logarithm) * Self.fraction(a, b, x) / a
            : 1 - exp(logarithm) * Self.fraction(b, a, complement) / b
    }

    /// Its continued fraction (Abramowitz and Stegun 26.5.8), by the method of Lentz.
    private static func fraction(_ a: Double, _ b: Double, _ x: Double) -> Double {
        let tiny = 1e-300
        func nonzero(_ value: Double) -> Double { abs(value) < tiny ? tiny : value }
        var c = 1.0
        var d = 1 / nonzero(1 - (a + b) * x / (a + 1))
        var value = d
        for step in 1...10_000 {
            let m = Double(step)
            let even: Double = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
            let odd: Double = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
            for term in [even, odd] {
                d = 1 / nonzero(1 + term * d)
                c = nonzero(1 + term / c)
                value *= c * d
            }
            if abs(c * d - 1) < 1e-16 { break }
        }
        return value
    }
}

/// The coefficient of the KL penalty: fixed, or led towards a target (Ziegler et al. 2019).
///
/// The adaptive rule is `β ← β (1 + clamp(KL / target - 1, ±0.2) n / horizon)` after a step with `n` responses whose
/// KL, summed over each response's tokens, is `KL` on average. The whole is its own state: a run that resumes decodes
/// it.
public struct KLController: Sendable, Equatable, Codable {
    /// How the coefficient goes on.
    public enum Rule: Sendable, Equatable, Codable {
        /// It stays.
        case fixed
        /// It grows while KL is above `target` and shrinks while below, slower the longer the `horizon` in responses.
        case adaptive(target: Double, horizon: Double)
    }

    /// How the coefficient goes on.
    public let rule: Rule
    /// The coefficient now.
    public private(set) var coefficient: Double

    /// A controller that starts at `coefficient`.
    public init(_ coefficient: Double, rule: Rule = .fixed) {
        if case .adaptive(let target, let horizon) = rule {
            precondition(target > 0 && horizon > 0, "target \(target), horizon \(horizon)")
        }
        self.coefficient = coefficient
        self.rule = rule
    }

    /// Takes in a step. A KL that is not finite changes nothing.
    ///
    /// - Parameters:
    ///   - kl: the mean over responses of the KL summed over tokens, not scaled by the coefficient.
    ///   - responses: how many responses the step had, over all ranks.
    public mutating func update(kl: Double, responses: Int) {
        guard case .adaptive(let target, let horizon) = rule, kl.isFinite else { return }
        let error = min(max(kl / target - 1, -0.2), 0.2)
        coefficient *= 1 + error * Double(responses) / horizon
    }

    /// This controller where a run resumes that had come to `saved`: its own rule goes on, and a fixed coefficient is its own.
    /// A coefficient that too short a horizon has turned to 0 or below starts anew.
    public func resumed(at saved: KLController) -> KLController {
        guard case .adaptive = rule, saved.coefficient > 0 else { return self }
        var controller = self
        controller.coefficient = saved.coefficient
        return controller
    }
}

import MPI
import Runs

/// Why a `rule:` names no reward.
package struct RuleError: Error, Sendable, Equatable, CustomStringConvertible, ExitStatusProviding {
    /// What is wrong with it.
    package enum Problem: Sendable, Equatable {
        /// No rule has this name.
        case unknown(nearest: RewardRule.Name?)
        /// Nothing, or nothing of use, follows the rule's name.
        case argument(of: RewardRule.Name, reason: String)
    }

    /// What stood behind `rule:`.
    package let text: String
    /// What is wrong with it.
    package let problem: Problem

    /// One line: what is wrong, and what could stand there.
    package var description: String {
        switch problem {
        case .unknown(let nearest):
            let guess = nearest.map { "did you mean 'rule:\($0.form)'? " } ?? ""
            let forms = RewardRule.Name.allCases.map { "rule:\($0.form)" }.joined(separator: ", ")
            return "unknown reward 'rule:\(text)'; \(guess)the rules are \(forms)"
        case .argument(let name, let reason):
            return "reward 'rule:\(text)': \(reason); write rule:\(name.form), \(name.meaning)"
        }
    }

    /// 2: the configuration is to blame.
    package var exitStatus: Int32 { 2 }
}

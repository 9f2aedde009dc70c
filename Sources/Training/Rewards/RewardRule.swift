import Configuration
import MPI
import PreferenceData
import Runs

/// A built-in rule as it is written behind `rule:`, a name and what it looks for: `count:the`.
package enum RewardRule {
    /// How often a word occurs.
    case count(word: String)
    /// How near the length of the response is to a number of tokens.
    case length(tokens: Int)
    /// Whether a text occurs.
    case contains(String)
    /// Whether a pattern matches.
    case regex(Regex<AnyRegexOutput>)
    /// Whether the response's answer is that of a column.
    case answer(AnswerRule)

    /// The names that a rule can start with.
    package enum Name: String, Sendable, CaseIterable {
        case count, length, contains, regex, number, after

        /// How it is written behind `rule:`.
        package var form: String {
            switch self {
            case .count: "count:WORD"
            case .length: "length:TOKENS"
            case .contains: "contains:TEXT"
            case .regex: "regex:PATTERN"
            case .number: "number:COLUMN"
            case .after: "after:MARK:COLUMN"
            }
        }

        /// What the reward then is.
        package var meaning: String {
            switch self {
            case .count: "how often the response has the word, upper or lower case"
            case .length: "minus the response's distance from that many tokens, divided by them"
            case .contains: "1 where the response has the text exactly so, else 0"
            case .regex: "1 where the pattern matches somewhere in the response, else 0"
            case .number: "1 where the response's last number is that of the row's column, else 0"
            case .after: "1 where what follows the response's last mark is the text of the row's column, else 0"
            }
        }
    }

    /// Reads what follows `rule:`.
    package init(_ text: String) throws(RuleError) {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        guard let name = Name(rawValue: parts[0]) else {
            let nearest = NearestName.of(parts[0], in: Name.allCases.map(\.rawValue)).flatMap(Name.init(rawValue:))
            throw RuleError(text: text, problem: .unknown(nearest: nearest))
        }
        func wrong(_ reason: String) -> RuleError {
            RuleError(text: text, problem: .argument(of: name, reason: reason))
        }
        guard parts.count == 2, parts[1].contains(where: { !$0.isWhitespace }) else {
            throw wrong("nothing follows '\(name.rawValue)'")
        }
        let argument = parts[1]
        switch name {
        case .count:
            self = .count(word: argument)
        case .contains:
            self = .contains(argument)
        case .length:
            guard let tokens = Int(argument), tokens > 0 else {
                throw wrong("'\(argument)' is not a whole number above 0")
            }
            self = .length(tokens: tokens)
        case .regex:
            do {
                // By code points, as Python and most other engines match, so that `é` is not `e` with an accent.
                self = .regex(try Regex(argument).matchingSemantics(.unicodeScalar))
            } catch {
                throw wrong("not a regular expression (\(error))")
            }
        case .number:
            self = .answer(AnswerRule(.lastNumber, column: argument))
        case .after:
            // A mark may have colons of its own.
            let colon = argument.lastIndex(of: ":")
            let (mark, column) = colon.map { (argument[..<$0], argument[argument.index(after: $0)...]) } ?? ("", "")
            guard !mark.trimmed.isEmpty, !column.trimmed.isEmpty else {
                throw wrong("'\(argument)' is no mark with a column behind a colon")
            }
            self = .answer(AnswerRule(.after(mark: String(mark)), column: String(column)))
        }
    }
}

extension RewardRule {
    /// How the rule behind `rule:` compares responses with a column; `nil` for one that does not.
    package static func answer(ofRule text: String) -> AnswerRule? {
        if case .answer(let rule)? = try? RewardRule(text) { rule } else { nil }
    }
}

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
    package var description: String { "\(fault); \(remedy)" }

    /// What is wrong.
    package var fault: String {
        switch problem {
        case .unknown: "unknown reward 'rule:\(text)'"
        case .argument(_, let reason): "reward 'rule:\(text)': \(reason)"
        }
    }

    /// What could stand there.
    package var remedy: String {
        switch problem {
        case .unknown(let nearest):
            let guess = nearest.map { "did you mean 'rule:\($0.form)'? " } ?? ""
            let forms = RewardRule.Name.allCases.map { "rule:\($0.form)" }.joined(separator: ", ")
            return "\(guess)the rules are \(forms)"
        case .argument(let name, _):
            return "write rule:\(name.form), \(name.meaning)"
        }
    }

    /// 2: the configuration is to blame.
    package var exitStatus: Int32 { 2 }
}

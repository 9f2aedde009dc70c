/// A range or rule that values of one key keep to.
package struct Constraint<Value>: Sendable {
    /// The rule in the words of an error message: "at least 0".
    package let description: String
    package let holds: @Sendable (Value) -> Bool

    package init(description: String, holds: @escaping @Sendable (Value) -> Bool) {
        (self.description, self.holds) = (description, holds)
    }
}

extension Constraint where Value: Comparable & Sendable {
    package static func atLeast(_ bound: Value) -> Self {
        Self(description: "at least \(bound)") { $0 >= bound }
    }

    package static func greaterThan(_ bound: Value) -> Self {
        Self(description: "greater than \(bound)") { $0 > bound }
    }

    package static func between(_ low: Value, _ high: Value) -> Self {
        Self(description: "between \(low) and \(high)") { low <= $0 && $0 <= high }
    }
}

extension Constraint where Value == Double {
    /// Greater than 0 and at most `high`.
    package static func aboveZero(upTo high: Double) -> Self {
        Self(description: "greater than 0 and at most \(high)") { $0 > 0 && $0 <= high }
    }

    /// At least 0 and below 1, as decay rates are.
    package static var belowOne: Self {
        Self(description: "at least 0 and below 1") { $0 >= 0 && $0 < 1 }
    }
}

extension Constraint where Value: Collection & SendableMetatype, Value.Element: Sendable {
    package static func each(_ rule: Constraint<Value.Element>) -> Self {
        Self(description: "each \(rule.description)") { $0.allSatisfy(rule.holds) }
    }
}

extension Constraint where Value: Collection & SendableMetatype {
    package static var notEmpty: Self {
        Self(description: "not empty") { !$0.isEmpty }
    }
}

/// A value that is passed under a name.
struct JinjaKeyword {
    let name: String
    var value: JinjaValue
}

/// The arguments of one call, taken parameter by parameter.
struct JinjaArguments {
    /// Of what is called, for errors.
    let name: String
    private(set) var positional: [JinjaValue]
    private(set) var keywords: [JinjaKeyword]
    private var taken = 0

    init(_ name: String, _ positional: [JinjaValue] = [], _ keywords: [JinjaKeyword] = []) {
        (self.name, self.positional, self.keywords) = (name, positional, keywords)
    }

    /// The next parameter, by its position or name; `nil` where it was not passed.
    mutating func take(_ parameter: String) throws(JinjaError) -> JinjaValue? {
        let keyword = keywords.firstIndex { $0.name.isSameText(as: parameter) }
        if taken < positional.count {
            guard keyword == nil else { throw .evaluation("'\(name)' got its argument '\(parameter)' twice") }
            taken += 1
            return positional[taken - 1]
        }
        return keyword.map { keywords.remove(at: $0).value }
    }

    /// A parameter that has no name to be passed by.
    mutating func takePositional() -> JinjaValue? {
        guard taken < positional.count else { return nil }
        taken += 1
        return positional[taken - 1]
    }

    /// The same as a string.
    mutating func takePositionalText(_ parameter: String) throws(JinjaError) -> String? {
        guard let value = takePositional() else { return nil }
        return try text(value, parameter)
    }

    mutating func needPositionalText(_ parameter: String) throws(JinjaError) -> String {
        guard let text = try takePositionalText(parameter) else { throw missing(parameter) }
        return text
    }

    /// The same as an integer; `nil` for what is left out or `none`.
    mutating func takePositionalBound(_ parameter: String) throws(JinjaError) -> Int? {
        guard let value = takePositional(), !value.isNone else { return nil }
        return try integer(value, parameter)
    }

    mutating func need(_ parameter: String) throws(JinjaError) -> JinjaValue {
        guard let value = try take(parameter) else { throw missing(parameter) }
        return value
    }

    func missing(_ parameter: String) -> JinjaError { .evaluation("'\(name)' needs its argument '\(parameter)'") }

    mutating func takeInteger(_ parameter: String) throws(JinjaError) -> Int? {
        guard let value = try take(parameter) else { return nil }
        return try integer(value, parameter)
    }

    /// An integer, or `nil` for what is left out or `none`.
    mutating func takeBound(_ parameter: String) throws(JinjaError) -> Int? {
        guard let value = try take(parameter), !value.isNone else { return nil }
        return try integer(value, parameter)
    }

    private func integer(_ value: JinjaValue, _ parameter: String) throws(JinjaError) -> Int {
        guard let integer = value.integer else {
            throw .evaluation("'\(name)' takes an integer for '\(parameter)', not a \(value.typeName)")
        }
        return integer
    }

    mutating func takeText(_ parameter: String) throws(JinjaError) -> String? {
        guard let value = try take(parameter) else { return nil }
        return try text(value, parameter)
    }

    mutating func needText(_ parameter: String) throws(JinjaError) -> String {
        try text(need(parameter), parameter)
    }

    private func text(_ value: JinjaValue, _ parameter: String) throws(JinjaError) -> String {
        guard let text = value.text else {
            throw .evaluation("'\(name)' takes a string for '\(parameter)', not a \(value.typeName)")
        }
        return text
    }

    /// What is left of the positional arguments.
    mutating func rest() -> [JinjaValue] {
        defer { taken = positional.count }
        return Array(positional[taken...])
    }

    /// What is left of those passed by name.
    mutating func restOfKeywords() -> [JinjaKeyword] {
        defer { keywords = [] }
        return keywords
    }

    /// Refuses what nothing took.
    func finish() throws(JinjaError) {
        if let keyword = keywords.first { throw .evaluation("'\(name)' has no argument '\(keyword.name)'") }
        guard taken == positional.count else {
            throw .evaluation("'\(name)' takes \(taken) arguments, not \(positional.count)")
        }
    }
}

extension JinjaMember {
    /// Whether it is a method of strings that most templates call with one string.
    var takesOneText: Bool {
        switch self {
        case .startswith, .endswith, .strip, .lstrip, .rstrip: true
        default: false
        }
    }
}

extension JinjaInterpreter {
    /// Calls a method that takes one string, without the list of arguments that others need.
    func method(_ member: JinjaMember, of text: String, _ argument: JinjaValue) throws(JinjaError) -> JinjaValue {
        guard case .string(let other) = argument else {
            var arguments = JinjaArguments(member.rawValue, [argument])
            return try method(member, of: text, isMarkup: false, &arguments)
        }
        try spend(bytes: text.utf8.count)
        switch member {
        case .startswith: return .boolean(text.starts(withText: other))
        case .endswith: return .boolean(text.ends(withText: other))
        default:
            let sides: PythonStripSides = member == .strip ? .both : member == .lstrip ? .left : .right
            return try string(text.stripped(sides, of: other))
        }
    }

    /// Calls a method of a string. Markup gives markup.
    func method(
        _ member: JinjaMember, of text: String, isMarkup: Bool, _ arguments: inout JinjaArguments
    ) throws(JinjaError) -> JinjaValue {
        try spend(bytes: text.utf8.count)
        switch member {
        case .find, .rfind, .index, .rindex, .count: return try search(member, text, &arguments)
        case .startswith, .endswith: return .boolean(try hasAffix(member, text, &arguments))
        case .split, .rsplit:
            let separator = try arguments.take("sep") ?? .none
            let limit = try arguments.takeInteger("maxsplit") ?? -1
            try arguments.finish()
            return try strings(split(text, separator, limit < 0 ? .max : limit, fromRight: member == .rsplit), isMarkup)
        case .splitlines:
            let keepsEnds = try arguments.take("keepends")?.isTrue ?? false
            try arguments.finish()
            return try strings(text.lines(keepingEnds: keepsEnds), isMarkup)
        case .partition, .rpartition:
            let separator = try arguments.needPositionalText("sep")
            try arguments.finish()
            let parts = try partition(text, separator, fromRight: member == .rpartition)
            return .tuple(try JinjaList(parts.map { isMarkup ? .markup($0) : .string($0) }))
        case .isalnum, .isalpha, .isascii, .isdecimal, .isdigit, .isidentifier, .islower, .isnumeric, .isprintable,
            .isspace,
            .istitle, .isupper:
            try arguments.finish()
            return .boolean(Self.isOfKind(member, text))
        default:
            let result = try transformed(member, text, isMarkup, &arguments)
            try spend(bytes: result.utf8.count)
            return isMarkup ? .markup(result) : .string(result)
        }
    }

    private func strings(_ texts: [String], _ isMarkup: Bool) throws(JinjaError) -> JinjaValue {
        try list(texts.map { isMarkup ? .markup($0) : .string($0) })
    }

    private func transformed(
        _ member: JinjaMember, _ text: String, _ isMarkup: Bool, _ arguments: inout JinjaArguments
    ) throws(JinjaError) -> String {
        switch member {
        case .strip, .lstrip, .rstrip:
            let characters = arguments.takePositional() ?? .none
            try arguments.finish()
            let sides: PythonStripSides = member == .strip ? .both : member == .lstrip ? .left : .right
            if characters.isNone { return text.stripped(sides) }
            guard let set = characters.text else {
                throw refusal(characters, otherwise: "'\(arguments.name)' takes a string of characters")
            }
            return text.stripped(sides, of: set)
        case .replace:
            let old = try arguments.needPositionalText("old")
            let new = arguments.takePositional() ?? .none
            let count = try arguments.takePositionalBound("count") ?? -1
            try arguments.finish()
            guard let replacement = new.text else { throw refusal(new, otherwise: "'replace' takes two strings") }
            return try replaced(text, old, isMarkup ? escaped(replacement, isMarkup: new.isMarkup) : replacement, count)
        case .removeprefix, .removesuffix:
            let affix = try arguments.needPositionalText("affix")
            try arguments.finish()
            let count = text.utf8.count
            if member == .removeprefix {
                return text.starts(withText: affix) ? text.part(affix.utf8.count..<count) : text
            }
            return text.ends(withText: affix) ? text.part(0..<count - affix.utf8.count) : text
        case .center, .ljust, .rjust: return try padded(member, text, &arguments)
        case .zfill:
            guard let width = try arguments.takePositionalBound("width") else { throw arguments.missing("width") }
            try arguments.finish()
            try spend(bytes: max(width, 0))
            let sign = text.hasPrefix("+") || text.hasPrefix("-") ? 1 : 0
            let rest = text.part(sign..<text.utf8.count)
            return text.part(0..<sign) + rest.padded(to: width - sign, with: "0", left: true, right: false)
        case .join:
            guard let items = arguments.takePositional() else { throw arguments.missing("iterable") }
            try arguments.finish()
            return try joined(text, items, isMarkup)
        case .expandtabs:
            let width = try arguments.takeInteger("tabsize") ?? 8
            try arguments.finish()
            return try expanded(text, width)
        case .format:
            let positional = arguments.rest()
            let keywords = arguments.restOfKeywords().map { (key: JinjaValue.string($0.name), value: $0.value) }
            var formatter = JinjaFormatter(self, positional, try JinjaMapping(keywords), escapes: isMarkup)
            return try formatter.format(text)
        case .formatMap:
            guard case .mapping(let mapping)? = arguments.takePositional() else { throw arguments.missing("mapping") }
            try arguments.finish()
            var formatter = JinjaFormatter(self, [], mapping, escapes: isMarkup)
            return try formatter.format(text)
        default:
            try arguments.finish()
            switch member {
            case .lower: return text.pythonLowercased
            case .upper: return text.pythonUppercased
            case .capitalize: return text.pythonCapitalized
            case .title: return text.pythonTitle
            case .swapcase: return text.pythonSwappedCase
            case .casefold: return text.pythonCasefolded
            default: throw .evaluation("a string has no method '\(member.rawValue)'")
            }
        }
    }

    private func padded(
        _ member: JinjaMember, _ text: String, _ arguments: inout JinjaArguments
    ) throws(JinjaError) -> String {
        guard let width = try arguments.takePositionalBound("width") else { throw arguments.missing("width") }
        let fill = try arguments.takePositionalText("fillchar") ?? " "
        try arguments.finish()
        guard fill.scalarCount == 1 else { throw .evaluation("'\(arguments.name)' fills with one character") }
        try spend(bytes: fill.utf8.count, times: max(width, 0))
        return text.padded(to: width, with: fill, left: member != .ljust, right: member != .rjust)
    }

    private func joined(_ separator: String, _ items: JinjaValue, _ isMarkup: Bool) throws(JinjaError) -> String {
        var result = ""
        for (index, item) in try elements(of: items).enumerated() {
            if index > 0 { result += separator }
            if isMarkup {
                result += escaped(try text(of: item), isMarkup: item.isMarkup)
            } else {
                guard let text = item.text else {
                    throw refusal(item, otherwise: "'join' takes strings, not a \(item.typeName)")
                }
                result += text
            }
            try spend(bytes: result.utf8.count / 16)
        }
        return result
    }

    private func expanded(_ text: String, _ width: Int) throws(JinjaError) -> String {
        try spend(bytes: max(width, 0), times: text.count(of: "\t"))
        var result = ""
        var column = 0
        for scalar in text.unicodeScalars {
            if scalar == "\t" {
                guard width > 0 else { continue }
                let count = width - column % width
                result += String(repeating: " ", count: count)
                column += count
            } else {
                result.unicodeScalars.append(scalar)
                column = scalar == "\n" || scalar == "\r" ? 0 : column + 1
            }
        }
        return result
    }

    private static func isOfKind(_ member: JinjaMember, _ text: String) -> Bool {
        switch member {
        case .isalnum: text.isAll(\.isPythonAlphanumeric)
        case .isalpha: text.isAll(\.isPythonLetter)
        case .isascii: text.isASCIIText
        case .isdecimal: text.isAll(\.isPythonDecimal)
        case .isdigit: text.isAll(\.isPythonDigit)
        case .isnumeric: text.isAll(\.isPythonNumeric)
        case .isprintable: text.unicodeScalars.allSatisfy(\.isPythonPrintable)
        case .isspace: text.isAll(\.isPythonSpace)
        case .istitle: text.isPythonTitle
        case .islower: text.isPythonLowercase
        case .isupper: text.isPythonUppercase
        default:
            text.isAll { $0 == "_" || $0.properties.isXIDContinue }
                && text.unicodeScalars.first.map { $0 == "_" || $0.properties.isXIDStart } ?? false
        }
    }
}

// MARK: Search

extension JinjaInterpreter {
    /// The bytes between two positions that arguments say, and the first of the positions.
    private func range(
        _ text: String, _ arguments: inout JinjaArguments
    ) throws(JinjaError) -> (range: Range<Int>, first: Int)? {
        let start = try arguments.takePositionalBound("start")
        let end = try arguments.takePositionalBound("end")
        try arguments.finish()
        guard start != nil || end != nil else { return (0..<text.utf8.count, 0) }
        let count = text.scalarCount
        let first = (start ?? 0) > count ? count + 1 : Self.clamped(start ?? 0, count)
        let last = Self.clamped(end ?? count, count)
        guard first <= last else { return nil }
        let before = text.scalars(0..<first).utf8.count
        return (before..<before + text.scalars(first..<last).utf8.count, first)
    }

    private func search(
        _ member: JinjaMember, _ text: String, _ arguments: inout JinjaArguments
    ) throws(JinjaError) -> JinjaValue {
        let sought = try arguments.needPositionalText("sub")
        let range = try range(text, &arguments)?.range
        if member == .count {
            return .integer(range.map { text.part($0).count(of: sought) } ?? 0)
        }
        let last = member == .rfind || member == .rindex
        if let range, let offset = text.offset(of: sought, in: range, last: last) {
            return .integer(text.part(0..<offset).scalarCount)
        }
        guard member == .find || member == .rfind else { throw .evaluation("'\(arguments.name)' finds no such text") }
        return .integer(-1)
    }

    private func hasAffix(
        _ member: JinjaMember, _ text: String, _ arguments: inout JinjaArguments
    ) throws(JinjaError) -> Bool {
        guard let argument = arguments.takePositional() else { throw arguments.missing("affix") }
        let range = try range(text, &arguments)?.range
        var affixes: [JinjaValue] = [argument]
        if case .tuple(let list) = argument { affixes = list.elements }
        for value in affixes {
            guard let affix = value.text else {
                throw refusal(
                    value,
                    otherwise: "'\(arguments.name)' takes a string or a tuple of strings, not a \(value.typeName)")
            }
            guard let range else { continue }
            let part = range.count == text.utf8.count ? text : text.part(range)
            if member == .startswith ? part.starts(withText: affix) : part.ends(withText: affix) { return true }
        }
        return false
    }

    private func split(
        _ text: String, _ separator: JinjaValue, _ limit: Int, fromRight: Bool
    ) throws(JinjaError) -> [String] {
        try spend(bytes: text.utf8.count)
        if separator.isNone { return text.words(limit: limit, fromRight: fromRight) }
        guard let separator = separator.text else {
            throw refusal(separator, otherwise: "'split' takes a string, not a \(separator.typeName)")
        }
        guard !separator.isEmpty else { throw .evaluation("'split' takes a separator that is not empty") }
        return text.parts(between: separator, limit: limit, fromRight: fromRight)
    }

    private func partition(_ text: String, _ separator: String, fromRight: Bool) throws(JinjaError) -> [String] {
        guard !separator.isEmpty else { throw .evaluation("'partition' takes a separator that is not empty") }
        let count = text.utf8.count
        guard let offset = text.offset(of: separator, in: 0..<count, last: fromRight) else {
            return fromRight ? ["", "", text] : [text, "", ""]
        }
        return [text.part(0..<offset), separator, text.part(offset + separator.utf8.count..<count)]
    }
}

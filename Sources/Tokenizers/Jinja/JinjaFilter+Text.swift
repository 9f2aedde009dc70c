import Foundation

extension JinjaInterpreter {
    /// The filters that make text.
    func textFilter(
        _ filter: JinjaFilter, _ value: JinjaValue, _ arguments: inout JinjaArguments
    ) throws(JinjaError) -> JinjaValue {
        let text = try text(of: value)
        try spend(bytes: text.utf8.count)
        /// Markup stays markup.
        func same(_ text: String) throws(JinjaError) -> JinjaValue {
            try spend(bytes: text.utf8.count)
            return value.isMarkup ? .markup(text) : .string(text)
        }
        switch filter {
        case .upper, .lower, .capitalize, .string, .safe, .e, .escape, .forceescape, .title, .wordcount:
            try arguments.finish()
            return switch filter {
            case .upper: try same(text.pythonUppercased)
            case .lower: try same(text.pythonLowercased)
            case .capitalize: try same(text.pythonCapitalized)
            case .string: try same(text)
            case .safe: .markup(text)
            case .e, .escape: .markup(escaped(text, isMarkup: value.isMarkup))
            case .forceescape: .markup(escaped(text, isMarkup: false))
            case .title: try string(Self.title(text))
            default: .integer(Self.wordCount(text))
            }
        case .trim:
            let characters = try arguments.take("chars") ?? .none
            try arguments.finish()
            if characters.isNone { return try same(text.stripped()) }
            guard let set = characters.text else { throw .evaluation("'trim' takes a string of characters") }
            return try same(text.stripped(of: set))
        case .center:
            let width = try arguments.takeInteger("width") ?? 80
            try arguments.finish()
            try spend(bytes: max(width, 0))
            return try same(text.padded(to: width, left: true, right: true))
        case .replace:
            let old = try self.text(of: arguments.need("old"))
            let new = try self.text(of: arguments.need("new"))
            let count = try arguments.takeBound("count") ?? -1
            try arguments.finish()
            return try string(replaced(text, old, new, count))
        case .format:
            let values = arguments.rest()
            let keywords = arguments.restOfKeywords()
            guard values.isEmpty || keywords.isEmpty else {
                throw .evaluation("'format' takes arguments by position or by name, not both")
            }
            let operand: JinjaValue =
                keywords.isEmpty
                ? .tuple(try JinjaList(values))
                : .mapping(try JinjaMapping(keywords.map { (.string($0.name), $0.value) }))
            return try same(formatted(text, operand, escapes: value.isMarkup))
        case .indent: return try same(indented(value, text, &arguments))
        case .truncate: return try truncated(value, &arguments)
        default:
            try arguments.finish()
            return try string(urlEncoded(value))
        }
    }

    /// Replaces with the size of the result known before.
    func replaced(_ text: String, _ old: String, _ new: String, _ count: Int) throws(JinjaError) -> String {
        let limit = count < 0 ? Int.max : count
        let found = min(text.count(of: old), limit)
        try spend(bytes: new.utf8.count, times: found)
        try spend(bytes: text.utf8.count)
        return text.replacing(text: old, with: new, limit: limit)
    }

    /// With words in upper case at their start, where words are what stands between spaces, dashes and open brackets.
    private static func title(_ text: String) -> String {
        var result = ""
        var word = String.UnicodeScalarView()
        func finished() -> String {
            guard let first = word.first else { return "" }
            return String(first).pythonUppercased + String(word.dropFirst()).pythonLowercased
        }
        for scalar in text.unicodeScalars {
            if scalar.isPythonSpace || "-({[<".unicodeScalars.contains(scalar) {
                result += finished()
                word = String.UnicodeScalarView()
                result.unicodeScalars.append(scalar)
            } else {
                word.append(scalar)
            }
        }
        return result + finished()
    }

    private static func wordCount(_ text: String) -> Int {
        var (count, isInWord) = (0, false)
        for scalar in text.unicodeScalars {
            let isWord = scalar == "_" || scalar.isPythonAlphanumeric
            if isWord, !isInWord { count += 1 }
            isInWord = isWord
        }
        return count
    }

    private func indented(
        _ value: JinjaValue, _ text: String, _ arguments: inout JinjaArguments
    ) throws(JinjaError) -> String {
        guard value.text != nil else {
            throw refusal(value, otherwise: "'indent' takes a string, not a \(value.typeName)")
        }
        let width = try arguments.take("width") ?? .integer(4)
        let first = try arguments.take("first")?.isTrue ?? false
        let blank = try arguments.take("blank")?.isTrue ?? false
        try arguments.finish()
        let indent: String
        if let text = width.text {
            indent = text
        } else {
            guard let count = width.integer else { throw .evaluation("'indent' takes a width or a string") }
            try spend(bytes: max(count, 0))
            indent = String(repeating: " ", count: max(count, 0))
        }
        let lines = (text + "\n").lines(keepingEnds: false)
        try spend(bytes: indent.utf8.count, times: lines.count)
        var result = first ? indent : ""
        for (index, line) in lines.enumerated() {
            if index > 0 { result += blank || !line.isEmpty ? "\n" + indent : "\n" }
            result += line
        }
        return result
    }

    private func truncated(_ value: JinjaValue, _ arguments: inout JinjaArguments) throws(JinjaError) -> JinjaValue {
        let length = try arguments.takeInteger("length") ?? 255
        let cutsWords = try arguments.take("killwords")?.isTrue ?? false
        let end = try arguments.takeText("end") ?? "..."
        let leeway = try arguments.takeBound("leeway") ?? 5
        try arguments.finish()
        guard length >= end.scalarCount, leeway >= 0 else {
            throw .evaluation("'truncate' takes a length that 'end' fits into, and a leeway of 0 or more")
        }
        guard let count = try self.length(of: value) else { throw .evaluation("a \(value.typeName) has no length") }
        guard length.addingReportingOverflow(leeway).overflow == false, count > length + leeway else { return value }
        guard let text = value.text else { throw .evaluation("'truncate' takes a string, not a \(value.typeName)") }
        var start = text.scalars(0..<(length - end.scalarCount))
        if !cutsWords, let space = start.offset(of: " ", in: 0..<start.utf8.count, last: true) {
            start = start.part(0..<space)
        }
        let result = start + escaped(end, isMarkup: !value.isMarkup)
        return value.isMarkup ? .markup(result) : .string(result)
    }

    private func urlEncoded(_ value: JinjaValue) throws(JinjaError) -> String {
        func quoted(_ value: JinjaValue, inQuery: Bool) throws(JinjaError) -> String {
            var result = ""
            for byte in try text(of: value).utf8 {
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."),
                    UInt8(ascii: "~"):
                    result.unicodeScalars.append(Unicode.Scalar(byte))
                case UInt8(ascii: "/") where !inQuery: result += "/"
                case UInt8(ascii: " ") where inQuery: result += "+"
                default: result += (byte < 16 ? "%0" : "%") + String(byte, radix: 16, uppercase: true)
                }
            }
            try spend(bytes: result.utf8.count)
            return result
        }
        switch value {
        case .list, .tuple, .mapping, .object(_ as JinjaIterator), .object(_ as JinjaView): break
        default: return try quoted(value, inQuery: false)
        }
        let pairs = if case .mapping(let mapping) = value { try mapping.items() } else { try elements(of: value) }
        var parts: [String] = []
        for pair in pairs {
            let entry = try elements(of: pair, upTo: 3)
            guard entry.count == 2 else { throw .evaluation("'urlencode' takes a string, a mapping or pairs") }
            parts.append(try quoted(entry[0], inQuery: true) + "=" + quoted(entry[1], inQuery: true))
        }
        return parts.joined(separator: "&")
    }
}

// MARK: Numbers

extension JinjaInterpreter {
    /// The filters that make numbers.
    func numberFilter(
        _ filter: JinjaFilter, _ value: JinjaValue, _ arguments: inout JinjaArguments
    ) throws(JinjaError) -> JinjaValue {
        switch filter {
        case .abs:
            try arguments.finish()
            if let integer = value.integer {
                guard integer != .min else { throw PythonNumber.pastRange }
                return .integer(Swift.abs(integer))
            }
            guard case .float(let number) = value else {
                throw refusal(value, otherwise: "'abs' takes a number, not a \(value.typeName)")
            }
            return .float(Swift.abs(number))
        case .int:
            let replacement = try arguments.take("default") ?? .integer(0)
            let base = try arguments.takeInteger("base") ?? 10
            try arguments.finish()
            return try integer(value, base) ?? replacement
        case .float:
            let replacement = try arguments.take("default") ?? .float(0)
            try arguments.finish()
            if case .undefined(let undefined) = value { throw missing(undefined) }
            if let text = value.text { return PythonNumber.float(text).map { .float($0) } ?? replacement }
            return try number(value).map { .float($0) } ?? replacement
        default: return try rounded(value, &arguments)
        }
    }

    private func integer(_ value: JinjaValue, _ base: Int) throws(JinjaError) -> JinjaValue? {
        switch value {
        case .undefined(let undefined): throw missing(undefined)
        case .float(let number):
            if number.isNaN { return nil }
            return .integer(try Self.truncated(number))
        case .string(let text), .markup(let text):
            guard base == 0 || (2...36).contains(base) else { return nil }
            if let integer = try PythonNumber.integer(text, base: base) { return .integer(integer) }
            guard let number = PythonNumber.float(text), number.isFinite else { return nil }
            return .integer(try Self.truncated(number))
        case .object(let object): return object is JinjaBigInteger ? value : nil
        default: return value.integer.map { .integer($0) }
        }
    }

    private static func truncated(_ number: Double) throws(JinjaError) -> Int {
        guard let integer = Int(exactly: number.rounded(.towardZero)) else { throw PythonNumber.pastRange }
        return integer
    }

    private func rounded(_ value: JinjaValue, _ arguments: inout JinjaArguments) throws(JinjaError) -> JinjaValue {
        let decimals = try arguments.takeInteger("precision") ?? 0
        let method = try arguments.take("method") ?? .string("common")
        try arguments.finish()
        guard let method = method.text, ["common", "ceil", "floor"].contains(method) else {
            throw .evaluation("'round' takes the method 'common', 'ceil' or 'floor'")
        }
        guard let number = try number(value) else {
            throw refusal(value, otherwise: "'round' takes a number, not a \(value.typeName)")
        }
        if method == "common" {
            guard let integer = value.integer else {
                return .float(PythonNumber.rounded(number, decimals: decimals))
            }
            guard decimals < 0 else { return .integer(integer) }
            return .integer(try Self.rounded(integer, zeros: decimals.magnitude))
        }
        let scale = try PythonNumber.power(10, Double(decimals))
        let scaled = number * scale
        guard scaled.isFinite else { throw .evaluation("'round' takes no infinite number") }
        // Python makes an integer on the way, which has no negative zero.
        return .float((scaled.rounded(method == "ceil" ? .up : .down) + 0) / scale)
    }

    /// Half to even at a power of ten.
    private static func rounded(_ value: Int, zeros: UInt) throws(JinjaError) -> Int {
        guard zeros < 19 else { return 0 }
        let scale = (0..<zeros).reduce(1) { product, _ in product * 10 }
        let rest = PythonNumber.modulo(value, scale)
        let lower = value.subtractingReportingOverflow(rest)
        let goesUp = rest > scale / 2 || rest == scale / 2 && (lower.partialValue / scale) & 1 != 0
        let result = lower.partialValue.addingReportingOverflow(goesUp ? scale : 0)
        guard !lower.overflow, !result.overflow else { throw PythonNumber.pastRange }
        return result.partialValue
    }
}

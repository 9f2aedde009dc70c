extension TemplateReader {
    /// The tokens of an expression: string literals begin with `"` and are unescaped, `.name` is `["name"]`.
    static func tokens(_ expression: Substring) -> [String]? {
        var tokens: [String] = []
        var rest = expression
        while let first = rest.first {
            if first.isWhitespace {
                rest.removeFirst()
            } else if first == "'" || first == "\"" {
                rest.removeFirst()
                guard let literal = string(&rest, quote: first) else { return nil }
                tokens.append("\"" + literal)
            } else if first.isLetter || first.isNumber || first == "_" {
                let word = rest.prefix { $0.isLetter || $0.isNumber || $0 == "_" }
                rest = rest.dropFirst(word.count)
                if tokens.last == "." {
                    tokens.removeLast()
                    tokens += ["[", "\"" + word, "]"]
                } else {
                    tokens.append(String(word))
                }
            } else {
                let pair = String(rest.prefix(2))
                let symbol = ["==", "!=", "<=", ">=", "//", "**"].contains(pair) ? pair : String(first)
                tokens.append(symbol)
                rest = rest.dropFirst(symbol.count)
            }
        }
        return tokens
    }

    private static func string(_ rest: inout Substring, quote: Character) -> String? {
        var literal = ""
        while let character = rest.popFirst() {
            if character == quote { return literal }
            guard character == "\\" else {
                literal.append(character)
                continue
            }
            switch rest.popFirst() {
            case "n": literal.append("\n")
            case "t": literal.append("\t")
            case "r": literal.append("\r")
            case let escaped? where "\\'\"".contains(escaped): literal.append(escaped)
            default: return nil
            }
        }
        return nil
    }
}

extension [TemplateText.Node] {
    mutating func appendText(_ text: String) {
        if case .text(let before)? = last {
            self[count - 1] = .text(before + text)
        } else if !text.isEmpty {
            append(.text(text))
        }
    }

    /// An output taken apart at `+` where all it does is join strings.
    mutating func appendOutput(_ tokens: [String]) {
        if tokens.first == "raise_exception" {
            append(.output(["raise_exception"]))
            return
        }
        var parts: [[String]] = [[]]
        var depth = 0
        for token in tokens {
            if token == "(" || token == "[" { depth += 1 }
            if token == ")" || token == "]" { depth -= 1 }
            if depth == 0, token == "+" || token == "~" {
                parts.append([])
            } else {
                parts[parts.count - 1].append(token)
            }
        }
        let operators: Set<String> = [
            "if", "else", "and", "or", "not", "in", "is", "==", "!=", "-", "*", "/", "<", ">",
        ]
        let isJoin = !tokens.contains { operators.contains($0) }
        for part in isJoin ? parts : [tokens] {
            if part.count == 1, let literal = part.first, literal.first == "\"" {
                appendText(String(literal.dropFirst()))
            } else {
                append(.output(part))
            }
        }
    }
}

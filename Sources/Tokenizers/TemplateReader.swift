import Foundation

/// Reads Jinja text into the nodes of a `TemplateText`.
struct TemplateReader {
    private enum Segment {
        case text(String)
        case output([String])
        case statement([String])
    }

    private var segments: ArraySlice<Segment> = []

    /// Past this nothing is a template; the known ones have a few thousand bytes and four levels.
    private static let (maximumLength, maximumDepth) = (1 << 17, 64)
    private var depth = 0

    init?(_ template: String) {
        guard template.utf8.count <= Self.maximumLength else { return nil }
        var rest = Substring(template.replacingOccurrences(of: "\r\n", with: "\n"))
        // Jinja drops one newline at the end of a template.
        if rest.last == "\n" { rest = rest.dropLast() }
        var found: [Segment] = []
        var trimsNext = false
        var dropsNewline = false
        var startsLine = true
        while !rest.isEmpty {
            var text = rest
            var tag: Substring?
            if let open = Self.firstTag(in: rest) {
                text = rest[..<open]
                let kind = rest[rest.index(after: open)]
                guard let end = Self.endOfTag(in: rest, from: open, kind: kind) else { return nil }
                tag = rest[open..<end]
                rest = rest[end...]
            } else {
                rest = rest[rest.endIndex...]
            }
            if dropsNewline, text.first == "\n" {
                text = text.dropFirst()
                startsLine = true
            }
            if trimsNext { text = text.drop(while: \.isWhitespace) }
            (trimsNext, dropsNewline) = (false, false)
            if let tag {
                let isOutput = tag.hasPrefix("{{")
                var body = tag.dropFirst(2).dropLast(2)
                if body.first == "-" {
                    while text.last?.isWhitespace == true { text = text.dropLast() }
                    body = body.dropFirst()
                } else if body.first == "+" {
                    body = body.dropFirst()
                } else if !isOutput {
                    let indentation = text.reversed().prefix { $0 == " " || $0 == "\t" }
                    let before = text.dropLast(indentation.count)
                    if before.last == "\n" || (before.isEmpty && startsLine) { text = before }
                }
                startsLine = false
                trimsNext = body.last == "-"
                if trimsNext { body = body.dropLast() }
                dropsNewline = !isOutput && !trimsNext
                if !text.isEmpty { found.append(.text(String(text))) }
                if tag.hasPrefix("{#") { continue }
                guard let tokens = Self.tokens(body) else { return nil }
                found.append(isOutput ? .output(tokens) : .statement(tokens))
            } else if !text.isEmpty {
                found.append(.text(String(text)))
            }
        }
        segments = found[...]
    }

    /// All nodes; `nil` where blocks do not close.
    mutating func nodes() -> [TemplateText.Node]? {
        guard let nodes = body(), segments.isEmpty else { return nil }
        return nodes
    }

    /// Nodes up to a statement that ends or continues the block they are in.
    private mutating func body() -> [TemplateText.Node]? {
        var nodes: [TemplateText.Node] = []
        while let segment = segments.first {
            switch segment {
            case .text(let text):
                segments.removeFirst()
                nodes.appendText(text)
            case .output(let tokens):
                segments.removeFirst()
                nodes.appendOutput(tokens)
            case .statement(let tokens):
                switch tokens.first {
                case "if", "for":
                    guard let block = block() else { return nil }
                    nodes.append(block)
                case "elif", "else", "endif", "endfor": return nodes
                default:
                    segments.removeFirst()
                    nodes.append(.statement(tokens))
                }
            }
        }
        return nodes
    }

    private mutating func block() -> TemplateText.Node? {
        guard depth < Self.maximumDepth else { return nil }
        depth += 1
        defer { depth -= 1 }
        var parts: [TemplateText.Part] = []
        while case .statement(let head)? = segments.popFirst() {
            if head == ["endif"] || head == ["endfor"] { return .block(parts) }
            guard let body = body() else { return nil }
            parts.append(TemplateText.Part(head: head, body: body))
        }
        return nil
    }

    private static func firstTag(in text: Substring) -> Substring.Index? {
        var index = text.startIndex
        while let brace = text[index...].firstIndex(of: "{") {
            let next = text.index(after: brace)
            if next < text.endIndex, "{%#".contains(text[next]) { return brace }
            index = next
        }
        return nil
    }

    /// Past the tag's closing marks; quotes inside an expression are respected.
    private static func endOfTag(in text: Substring, from open: Substring.Index, kind: Character) -> Substring.Index? {
        let close: Character = kind == "{" ? "}" : kind
        var quote: Character?
        var index = text.index(open, offsetBy: 2)
        while index < text.endIndex {
            let character = text[index]
            let next = text.index(after: index)
            if let open = quote {
                if character == "\\" {
                    guard next < text.endIndex else { return nil }
                    index = text.index(after: next)
                    continue
                }
                if character == open { quote = nil }
            } else if kind != "#", character == "'" || character == "\"" {
                quote = character
            } else if character == close, next < text.endIndex, text[next] == "}" {
                return text.index(after: next)
            }
            index = next
        }
        return nil
    }
}

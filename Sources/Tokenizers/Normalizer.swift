import Foundation

/// What is done to text before it is taken apart.
package indirect enum Normalizer: Sendable, Equatable {
    case form(Form)
    case prepend([UInt8])
    case replace([UInt8], with: [UInt8])
    case sequence([Normalizer])

    /// Unicode's normalization forms.
    package enum Form: String, Sendable { case nfc = "NFC", nfd = "NFD", nfkc = "NFKC", nfkd = "NFKD" }

    /// - Parameter node: `normalizer` of a `tokenizer.json`.
    init(_ node: LocatedJSON) throws {
        let type = try node.required("type").string()
        switch type {
        case "Sequence":
            self = .sequence(try node.required("normalizers").array().map { try Normalizer($0) })
        case "Prepend":
            self = .prepend(Array(try node.required("prepend").string().utf8))
        case "Replace":
            let pattern = try node.required("pattern")
            guard let literal = pattern["String"] else {
                throw pattern.unsupported("Replace with a regular expression")
            }
            self = .replace(
                Array(try literal.string().utf8), with: Array(try node.required("content").string().utf8))
        default:
            guard let form = Form(rawValue: type) else { throw node.unsupported("normalizer \(type)") }
            self = .form(form)
        }
        guard growth <= Self.maximumGrowth else {
            throw node.unsupported("a normalizer that makes text more than \(Self.maximumGrowth) times as long")
        }
    }

    /// Replacements in sequence multiply, so that a short file could ask for any amount of memory.
    static let maximumGrowth = 64

    /// How many times as long replacements can make a text.
    private var growth: Int {
        switch self {
        case .form, .prepend: 1
        case .replace(let pattern, let content): Self.growth(replacing: pattern, with: content)
        case .sequence(let normalizers):
            normalizers.reduce(1) { min($0 * $1.growth, Self.maximumGrowth + 1) }
        }
    }

    /// How many times as long a text can get, at most one more than is allowed.
    static func growth(replacing pattern: [UInt8], with content: [UInt8]) -> Int {
        pattern.isEmpty ? 1 : min(max(1, (content.count + pattern.count - 1) / pattern.count), maximumGrowth + 1)
    }

    /// Whether text is put in front.
    var prepends: Bool {
        switch self {
        case .prepend: true
        case .form, .replace: false
        case .sequence(let normalizers): normalizers.contains(where: \.prepends)
        }
    }

    /// Without what puts text in front; `nil` where nothing is left.
    var withoutPrepend: Normalizer? {
        switch self {
        case .prepend: return nil
        case .form, .replace: return self
        case .sequence(let normalizers): return .sequence(normalizers.compactMap(\.withoutPrepend))
        }
    }

    func normalize(_ text: [UInt8]) -> [UInt8] {
        switch self {
        case .form(let form): form.apply(to: text)
        case .prepend(let prefix): text.isEmpty ? text : prefix + text
        case .replace(let pattern, let content): text.replacing(pattern, with: content)
        case .sequence(let normalizers): normalizers.reduce(text) { $1.normalize($0) }
        }
    }
}

extension Normalizer.Form {
    package func apply(to text: [UInt8]) -> [UInt8] {
        let isUnchanged =
            self == .nfc
            ? text.withUnsafeBufferPointer { Self.isSurelyNFC($0) } : text.allSatisfy { $0 < 0x80 }
        if isUnchanged { return text }
        let string = String(decoding: text, as: UTF8.self)
        return switch self {
        case .nfc: Array(string.precomposedStringWithCanonicalMapping.utf8)
        case .nfd: Array(string.decomposedStringWithCanonicalMapping.utf8)
        case .nfkc: Array(string.precomposedStringWithCompatibilityMapping.utf8)
        case .nfkd: Array(string.decomposedStringWithCompatibilityMapping.utf8)
        }
    }

    /// Scalars that NFC leaves as they are beside any others: they neither decompose nor combine with what is before them.
    package static let inertUnderNFC: [ClosedRange<UInt32>] = [
        0...0x2FF, 0x400...0x482, 0x48A...0x52F, 0x2002...0x20CF, 0x2190...0x2328, 0x2400...0x2AD0, 0x3001...0x3029,
        0x3030...0x3098, 0x309B...0x30FF, 0x3400...0xA48F, 0xAC00...0xD7A3, 0xFF01...0xFFEF, 0x1F000...0x1FAFF,
    ]

    /// A quick check that lets nearly all text pass; `false` means that it has to be looked at properly.
    private static func isSurelyNFC(_ text: UnsafeBufferPointer<UInt8>) -> Bool {
        let reader = UTF8Reader(text)
        var index = 0
        while index < text.count {
            // Below U+0300.
            if text[index] < 0xCC {
                index += 1
                continue
            }
            let (value, length) = reader.scalar(at: index)
            guard inertUnderNFC.contains(where: { $0.contains(value) }) else { return false }
            index += length
        }
        return true
    }
}

extension [UInt8] {
    /// All occurrences of `pattern`, from the left and without overlap, replaced.
    func replacing(_ pattern: [UInt8], with content: [UInt8]) -> [UInt8] {
        guard let first = pattern.first, count >= pattern.count else { return self }
        var result: [UInt8] = []
        result.reserveCapacity(count)
        var index = 0
        while index < count {
            if self[index] == first, self[index...].starts(with: pattern) {
                result += content
                index += pattern.count
            } else {
                result.append(self[index])
                index += 1
            }
        }
        return result
    }
}

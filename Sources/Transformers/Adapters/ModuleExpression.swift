/// A regular expression of PEFT's files, which are Python's, over the names of modules.
struct ModuleExpression {
    private let expression: Regex<AnyRegexOutput>

    /// - Throws: ``Unreadable`` for what is none, and for what means something else here.
    init(_ text: String) throws(Unreadable) {
        // Operations on sets of characters here, and characters there.
        if let operation = ["&&", "--", "~~"].first(where: text.contains) {
            throw Unreadable(text: text, reason: "\(operation) can be read in two ways")
        }
        do {
            expression = try Regex(text)
        } catch {
            throw Unreadable(text: text, reason: "\(error)")
        }
    }

    /// Whether it is all of a name, as of Python's `fullmatch`.
    func matches(_ name: String) -> Bool { name.wholeMatch(of: expression) != nil }

    /// An expression that cannot be read, and why, in one line.
    struct Unreadable: Error, CustomStringConvertible {
        let text: String
        let reason: String

        var description: String {
            "'\(text)' is no regular expression that can be read here (\(reason.split(separator: "\n").first ?? ""))"
        }
    }
}

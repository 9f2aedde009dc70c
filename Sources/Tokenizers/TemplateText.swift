import JSON

/// A chat template's Jinja text in a form in which differences of style do not count.
///
/// White space is resolved as transformers does (`trim_blocks`, `lstrip_blocks` and the `-` marks), comments go, `x.y` is
/// `x['y']`, `{{ 'a' + b }}` is the text `a` followed by `{{ b }}`, and messages of `raise_exception` do not matter. Two texts with
/// equal nodes render alike.
struct TemplateText: Sendable, Equatable {
    indirect enum Node: Sendable, Equatable {
        case text(String)
        case output([String])
        /// A block with its parts: `if`, `elif`, `else`, or a single one for `for`.
        case block([Part])
        /// A statement without a body, like `set`.
        case statement([String])

        /// Whether both say the same, by code points.
        static func == (left: Self, right: Self) -> Bool {
            switch (left, right) {
            case (.text(let left), .text(let right)): left.hasSameBytes(as: right)
            case (.output(let left), .output(let right)), (.statement(let left), .statement(let right)):
                TemplateText.areSame(left, right)
            case (.block(let left), .block(let right)): left == right
            default: false
            }
        }
    }

    struct Part: Sendable, Equatable {
        let head: [String]
        let body: [Node]

        static func == (left: Self, right: Self) -> Bool {
            TemplateText.areSame(left.head, right.head) && left.body == right.body
        }
    }

    /// Whether two lists of tokens have the same code points.
    static func areSame(_ left: [String], _ right: [String]) -> Bool {
        left.count == right.count && zip(left, right).allSatisfy { $0.hasSameBytes(as: $1) }
    }

    let nodes: [Node]

    /// `nil` where the text is not of the subset of Jinja that the known templates are written in.
    init?(_ template: String) {
        guard var reader = TemplateReader(template), let nodes = reader.nodes() else { return nil }
        self.nodes = nodes
    }
}

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
    }

    struct Part: Sendable, Equatable {
        let head: [String]
        let body: [Node]
    }

    let nodes: [Node]

    /// `nil` where the text is not of the subset of Jinja that the known templates are written in.
    init?(_ template: String) {
        guard var reader = TemplateReader(template), let nodes = reader.nodes() else { return nil }
        self.nodes = nodes
    }
}

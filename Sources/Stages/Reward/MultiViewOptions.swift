import Configuration

/// The multi-view term of a reward model's loss (RLP-UML, arXiv 2403.19279).
package struct MultiViewOptions: Sendable, Equatable {
    /// λ; 0 for none.
    package var weight = 0.0

    package init() {}

    package var isUsed: Bool { weight > 0 }
}

extension MultiViewOptions: KeyedOptions {
    package static let fields = Field<Self>.list {
        Field(
            "multi_view.weight", \.weight, .atLeast(0),
            "Weight of the multi-view information bottleneck beside the loss (RLP): encodings of a pair's two responses are to "
                + "say the same, and to tell its prompt from others. The paper has 0.5; 0 for none.")
    }
}

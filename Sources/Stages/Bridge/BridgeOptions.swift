import Configuration
import Runs
import Training

/// Editing the losing answer of each pair towards the winning one by a program of the user's.
package struct BridgeOptions: Sendable, Equatable {
    /// The pairs that are edited.
    package var pairs: [ArtifactReference] = [.dataset(.train)]
    /// The program, a line for `/bin/sh`.
    package var command = ""

    /// The defaults.
    package init() {}
}

extension BridgeOptions: KeyedOptions {
    package static let fields = Field<Self>.list {
        Field.input(
            "pairs", \.pairs, .rows(.editedPairs),
            default: "the easy part of the split stage, else the sample stage, else dataset.train",
            "Pairs whose rejected responses are edited.")
        Field(
            "command", \.command, .notEmpty, default: "required",
            "Program that edits, as a line for the shell: it reads a line {\"prompt\": ..., \"chosen\": ..., \"rejected\": ...} a "
                + "pair and answers each with {\"completion\": TEXT}, the new chosen response, or null to leave the pair out."
        )
    }
}

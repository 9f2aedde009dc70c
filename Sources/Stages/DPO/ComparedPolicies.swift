import Configuration
import Objectives
import Runs

/// The frozen policies that a preference loss compares with.
package struct ComparedPolicies: Sendable, Equatable {
    /// That of a loss that compares with one.
    package var reference: ArtifactReference?
    /// Those of a loss that compares with several; empty for others.
    package var references: [ArtifactReference] = []

    package init() {}

    /// All, in the order of the loss.
    package var frozen: [ArtifactReference] { references.isEmpty ? [reference].compactMap(\.self) : references }

    /// One that is listed twice; `nil` where there is none.
    package var repeated: ArtifactReference? {
        references.indices.first { references[..<$0].contains(references[$0]) }.map { references[$0] }
    }

    /// Checks that a loss has as many as it compares with, and fills in what follows from `initial`, where training starts.
    ///
    /// - Throws: ``ConfigurationError``, for options of the loss too that do not go together.
    package mutating func resolve(
        for choice: LossChoice, initial: ArtifactReference, _ scope: StageScope
    ) throws {
        let loss: PreferenceLoss
        do { loss = try choice.loss() } catch {
            throw scope.error("\(scope.name).\(error.key)", error.problem, error.remedy)
        }
        let count = loss.needs.references
        guard count > 1 || references.isEmpty else {
            throw scope.error(
                "references",
                "has no meaning for \(choice.described), which compares with "
                    + (count == 0 ? "no reference" : "one reference"),
                count == 0 ? "leave it out" : "give reference")
        }
        switch count {
        case 0:
            guard reference == nil else {
                throw scope.error(
                    "reference", "has no meaning for \(choice.described), which compares with no reference",
                    "leave it out")
            }
        case 1:
            reference = reference ?? initial
        default:
            guard references.count == count else {
                throw scope.error(
                    "references",
                    "loss_type \(choice.name) compares with \(count) references, and \(references.count) are given",
                    "list \(count), as in references: [\(initial), DIRECTORY]")
            }
            guard reference == nil else {
                throw scope.error(
                    "reference", "given beside references, whose first is \(references[0])", "leave it out")
            }
        }
    }

    /// The keys, where these losses are to choose from.
    package static func fields(of losses: PreferenceLosses) -> [Field<Self>] {
        Field<Self>.list {
            Field.input(
                "reference", \.reference, .policy, isOptional: true,
                default: "the same as init, where the loss compares with one",
                "Frozen policy that log-probabilities are compared with; null for the default.")
            losses.mostReferences > 1 ? [referencesField] : []
        }
    }

    private static var referencesField: Field<Self> {
        Field.input(
            "references", \.references, .policy, isOptional: true, default: "none",
            "Frozen policies of a loss that compares with several, in its order.")
    }
}

extension ComparedPolicies: KeyedOptions {
    package static var fields: [Field<Self>] { fields(of: .standard) }
}

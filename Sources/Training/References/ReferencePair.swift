import Runs
import Torch

/// What one frozen model says of the pairs that are trained on, and of those that are held out.
package struct ReferencePair {
    package let training: ReferenceTable
    package let heldOut: ReferenceTable

    package init(training: ReferenceTable, heldOut: ReferenceTable = ReferenceTable([])) {
        (self.training, self.heldOut) = (training, heldOut)
    }

    /// Held-out pairs are told apart from the others by negative indices.
    package static func heldOut(_ index: Int) -> Int { -1 - index }

    /// The sums of a pair.
    package func sums(of index: Int) -> ReferenceLogps {
        guard let logps = index < 0 ? heldOut[Self.heldOut(index)] : training[index] else {
            preconditionFailure("pair \(index) has no reference")
        }
        return logps
    }

    /// A column of the tokens of pairs that are all held out or all not.
    package func column(_ column: ReferenceColumns, ofPairs indices: [Int]) -> Tensor {
        indices.first.map { $0 < 0 } ?? false
            ? heldOut.column(column, ofPairs: indices.map(Self.heldOut))
            : training.column(column, ofPairs: indices)
    }
}

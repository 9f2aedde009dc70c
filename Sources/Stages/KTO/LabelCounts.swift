import Foundation
import PreferenceData
import Runs

/// How many answers are desirable and how many are not.
package struct LabelCounts: Sendable, Equatable {
    package var desirable: Int
    package var undesirable: Int

    package init(desirable: Int = 0, undesirable: Int = 0) {
        (self.desirable, self.undesirable) = (desirable, undesirable)
    }

    /// Those of answers that are read.
    package init(_ answers: [TokenizedAnswer]) {
        desirable = answers.count(where: \.isDesirable)
        undesirable = answers.count - desirable
    }

    /// Those of files, up to the record behind which `isEnough`; `nil` for files that cannot be read, which is told where
    /// data is checked.
    package init?(
        of files: [URL], onBadRecord: BadRecordPolicy, columns: ColumnNames, until isEnough: (LabelCounts) -> Bool
    ) {
        struct Enough: Error {}
        var counts = LabelCounts()
        do {
            try Dataset<UnpairedPreference>.read(files, onBadRecord: onBadRecord, columns: columns) { record in
                for answer in record.answers {
                    if answer.isDesirable { counts.desirable += 1 } else { counts.undesirable += 1 }
                }
                if isEnough(counts) { throw Enough() }
            }
        } catch is Enough {
        } catch {
            return nil
        }
        self = counts
    }

    package var count: Int { desirable + undesirable }

    /// One line: how many there are, and where they are unequal, weights that would make up for it.
    package func text(_ options: KTOOptions) -> String {
        let counts = "\(desirable) desirable and \(undesirable) undesirable answers"
        guard desirable > 0, undesirable > 0 else {
            return "warning: \(counts): with one label alone, nothing tells good answers from bad ones"
        }
        // From equation 8 of arXiv 2402.01306, as TRL advises: w_D n_D / (w_U n_U) within 1 and 4/3 or so.
        let ratio = Double(desirable) / Double(undesirable)
        let forDesirable = (1...1.33).scaled(by: options.undesirableWeight / ratio)
        let forUndesirable = (1 / 1.33...1).scaled(by: options.desirableWeight * ratio)
        guard desirable != undesirable, !forDesirable.contains(options.desirableWeight),
            !forUndesirable.contains(options.undesirableWeight)
        else { return counts }
        return "\(counts); to balance them, give desirable_weight from \(forDesirable.text) or undesirable_weight from "
            + "\(forUndesirable.text), not both"
    }
}

extension ClosedRange<Double> {
    /// With bounds of two decimals, as TRL rounds them.
    fileprivate func scaled(by factor: Double) -> Self {
        let bound = { (number: Double) in (number * factor * 100).rounded() / 100 }
        return bound(lowerBound)...bound(upperBound)
    }

    fileprivate var text: String { "\(HumanFormat.metric(lowerBound)) to \(HumanFormat.metric(upperBound))" }
}

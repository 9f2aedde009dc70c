import PreferenceData
import Transformers

extension ResponseBatch {
    /// The batch with added rows and predictions that mean nothing, behind its own, where it has few.
    ///
    /// The last bits of a matrix product depend on how few rows it has. So a response's numbers have the same bits in any
    /// batch, and what a step learns from does not depend on how many workers shared the sampling.
    var filledUp: (rows: PackedRows, predictions: PredictedTokens) {
        var (rows, predictions) = (rows, predictions)
        rows.pad(to: Self.fewestRows)
        let missing = max(0, Self.fewestRows - predictions.count)
        predictions.rows += repeatElement(0, count: missing)
        predictions.tokens += repeatElement(0, count: missing)
        predictions.sequences += repeatElement(0, count: missing)
        return (rows, predictions)
    }

    /// From here on a product's bits no longer change with its rows.
    private static let fewestRows = 256
}

import Configuration
import Runs
import Transformers

extension StageStart {
    /// Checks that positions stay as they are for a stage whose models read a prompt beside other completions one than the other, so
    /// that the longest of what shares a prompt is not the same for both.
    ///
    /// - Throws: ``ConfigurationError`` where sequences may be so long that positions go by their length.
    package func checkFixedPositions(of initial: ArtifactReference, upTo length: Int) throws {
        guard let context = try configuration(ofModel: initial).specification.rotaryContext, length > context else {
            return
        }
        throw configuration.error(
            at: "\(name).max_length",
            "positions in sequences of more than \(context) tokens go by their length (rope_type in config.json), and this loss "
                + "compares sequences of several lengths",
            remedy: "lower it to \(context)")
    }
}

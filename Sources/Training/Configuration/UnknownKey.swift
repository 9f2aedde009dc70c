/// A key that a block does not have, and what its writer probably wanted.
struct UnknownKey {
    let entry: ConfigurationNode.Entry
    /// All entries of the block.
    let siblings: [ConfigurationNode.Entry]
    /// The dotted name.
    let key: String

    /// More keys than this are not listed in an error.
    private static let mostListed = 12

    func error(known: [String], elsewhere: [String]) -> ConfigurationError {
        if ForeignKeys.perDeviceBatch.contains(entry.key) { return batchArithmetic(known: known) }
        return ConfigurationError(
            entry.origin, key: key, problem: "unknown key", remedy: remedy(known: known, elsewhere: elsewhere))
    }

    private func remedy(known: [String], elsewhere: [String]) -> String {
        if let advice = ForeignKeys.advice[entry.key] { return advice }
        if let synonym = ForeignKeys.synonyms[entry.key], known.contains(synonym) {
            return "it is called \(synonym) here"
        }
        if !elsewhere.isEmpty { return "it belongs under \(elsewhere.joined(separator: ", "))" }
        if let nearest = NearestName.of(entry.key, in: known) { return "did you mean \(nearest)?" }
        if let synonym = ForeignKeys.synonyms[entry.key] {
            return "did you mean \(synonym), which is a key of another block?"
        }
        if known.count <= Self.mostListed { return "keys here are \(known.joined(separator: ", "))" }
        return "'mpo train --print-config' prints all keys with their values, launch/CONFIGURATION.md has their meaning"
    }

    /// Answers TRL's batch keys with the same size in global terms.
    private func batchArithmetic(known: [String]) -> ConfigurationError {
        func size(_ key: String) -> Int {
            siblings.last { $0.key == key }.flatMap { Int($0.value) } ?? 1
        }
        let perDevice = size("per_device_train_batch_size")
        let accumulation = size("gradient_accumulation_steps")
        let (share, overflow) = perDevice.multipliedReportingOverflow(by: accumulation)
        let product = overflow ? "" : " = \(share)"
        let target =
            known.contains("rollout_batch_size")
            ? "rollout_batch_size x n_samples_per_prompt / num_mini_batches" : "train_batch_size"
        let examples = overflow || share > Int.max / 4 ? "" : " (\(share) on one learner rank, \(share * 4) on four)"
        return ConfigurationError(
            entry.origin, key: key, problem: "batch sizes are global here",
            remedy: "for \(perDevice) a device x \(accumulation) accumulated\(product), "
                + "let \(target) be \(overflow ? "that product" : "\(share)") x learner ranks\(examples)")
    }
}

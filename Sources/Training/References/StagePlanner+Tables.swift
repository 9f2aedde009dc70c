import Runs

extension StagePlanner {
    /// The tables of frozen models over each of several data sets, of which empty ones have none.
    ///
    /// - Parameters:
    ///   - form: What is asked about, where that is not the data's examples as they are read.
    ///   - count: Counts the examples of a data set; `nil` where only an earlier stage will tell.
    package func tables(
        of models: [ArtifactReference], over data: [[ArtifactReference]], _ columns: ReferenceColumns = [],
        sums: Int = 2, form: String, _ lengths: LengthOptions, maxTokens: Int,
        count: ([ArtifactReference]) throws -> ExampleCount?
    ) throws -> [TableForecast] {
        let counted = try data.map { (references: $0, count: try count($0)) }.filter { $0.count?.examples != 0 }
        return models.flatMap { model in
            counted.map { data in
                TableForecast(
                    subject: "\(model): \(form) of \(data.references), \(lengths), \(maxTokens)",
                    columns: Set(columns.names),
                    bytes: data.count.flatMap { ReferenceShards.bytes(for: $0, columns, sums: sums) })
            }
        }
    }
}

extension ReferenceShards {
    /// About how many bytes the directory of a table over so many examples has; `nil` where it has columns of tokens, and how many
    /// tokens there are is not known.
    static func bytes(for count: ExampleCount, _ columns: ReferenceColumns, sums: Int) -> Int? {
        let names = columns.names.count
        guard let tokens = names == 0 ? 0 : count.predictedTokens else { return nil }
        let shards = max(1, (count.tokens ?? 0) / ReferenceLayout.shardTokens)
        // The key and the manifest; a shard's line in that, and its header.
        return 8 * sums * count.examples + 4 * names * tokens + 256 + shards * (200 + 80 * names)
    }
}

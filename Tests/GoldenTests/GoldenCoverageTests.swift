import Testing

@Suite("Golden entries")
struct GoldenCoverageTests {
    /// Formulas that are told for comparison and that no trainer should have.
    private static let notes: Set<String> = ["mrpo_repo", "bmc_repo", "d2po_decay_from_zero"]

    @Test("Every entry is read by a test, but for formulas that no trainer should have")
    func all() {
        let read = [
            GoldenDataTests.ids, GoldenWeightTests.ids, GoldenUnpairedTests.ids, GoldenPolicyTests.ids,
            GoldenRewardTests.ids,
        ].reduce(
            Set(GoldenLossTests.configurations.keys)
        ) { $0.union($1) }
        let unread = GoldenFile.standard.entries.filter { entry in
            !Self.notes.contains(entry.id) && !read.contains(entry.id)
        }
        #expect(!GoldenFile.standard.entries.isEmpty)
        #expect(unread.map(\.id).isEmpty)
    }
}

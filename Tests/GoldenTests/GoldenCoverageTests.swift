import Testing

@Suite("Golden entries")
struct GoldenCoverageTests {
    /// Formulas that are told for comparison and that no trainer should have.
    private static let notes: Set<String> = ["mrpo_repo", "bmc_repo", "d2po_decay_from_zero"]
    /// What belongs to methods that are not here yet.
    private static let later: Set<String> = [
        "spin", "spin_linear", "aihf_implicit", "aihf_reward", "rlp_mib", "rlp_spg", "d2po_confidence",
        "expert_iteration",
        "reward_bt",
    ]
    private static let laterFamilies: Set<String> = [
        "online-pairs", "diffusion",
    ]

    @Test("Every entry of a family that is here is read by a test")
    func all() {
        let read = [
            GoldenDataTests.ids, GoldenWeightTests.ids, GoldenUnpairedTests.ids, GoldenPolicyTests.ids,
        ].reduce(
            Set(GoldenLossTests.configurations.keys)
        ) { $0.union($1) }
        let unread = GoldenFile.standard.entries.filter { entry in
            !Self.laterFamilies.contains(entry.family) && !Self.notes.contains(entry.id)
                && !Self.later.contains(entry.id) && !read.contains(entry.id)
        }
        #expect(!GoldenFile.standard.entries.isEmpty)
        #expect(unread.map(\.id).isEmpty)
    }
}

import Configuration
import Testing

@Suite("Names that were nearly right")
struct NearestNameTests {
    @Test(
        "Distance counts insertions, deletions, substitutions and swaps",
        arguments: [("", "", 0), ("abc", "", 3), ("kitten", "sitting", 3), ("beta", "bate", 2), ("gamma", "gmama", 1)])
    func distance(left: String, right: String, expected: Int) {
        #expect(NearestName.distance(Array(left), Array(right)) == expected)
        #expect(NearestName.distance(Array(right), Array(left)) == expected)
    }

    @Test("The nearest name is offered, and none where nothing is near")
    func nearest() {
        #expect(NearestName.of("Learning-Rate", in: ["learning_rate", "seed"]) == "learning_rate")
        #expect(NearestName.of("warmup_step", in: ["warmup_ratio", "warmup_steps"]) == "warmup_steps")
        #expect(NearestName.of("xyz", in: ["seed", "lam"]) == nil)
        #expect(NearestName.of("js", in: ["reverse_kl", "js_divergence"]) == "js_divergence")
        #expect(NearestName.of("eval", in: ["eval_data", "eval_steps"]) == nil)
    }
}

import Runs
import Stages
import Testing
import Training

@Suite("What a stage's rounding depends on")
struct TopologyTests {
    private static let stages = """
        output_dir: out
        model_name_or_path: base
        dataset: {train: a.jsonl, eval: b.jsonl}
        stages: [sft, reward, split, ppo, evaluate]

        """

    private static let one = Processor(threads: 1, cpu: "A")

    private func topology(_ processors: [Processor], _ more: String = "") throws -> Topology {
        let configuration = try RunConfiguration(yaml: Self.stages + more, name: "run.yaml")
        return Topology(configuration, build: try BuildIdentity(), ranks: processors)
    }

    /// Rank zero and so many workers.
    private func ranks(_ workers: Int, _ processor: Processor = one) -> [Processor] {
        [Processor(threads: 64, cpu: "any")] + Array(repeating: processor, count: workers)
    }

    @Test("Offline training depends on the number of workers; PPO, scores and samples do not")
    func workers() throws {
        let (two, four) = (try topology(ranks(2)), try topology(ranks(4)))
        let all = ["sft", "reward", "split", "ppo", "evaluate"]
        #expect(four.differences(from: two, ahead: all) == ["learners: 2 then, 4 now (sft, reward)"])
        #expect(four.differences(from: two, ahead: ["split", "ppo", "evaluate"]).isEmpty)
    }

    @Test("PPO depends on its learners alone, whether they are apart or sample too")
    func placement() throws {
        let split = try topology(ranks(3), "learners: 2")
        let colocated = try topology(ranks(2), "placement: colocated")
        #expect(colocated.differences(from: split, ahead: ["ppo"]).isEmpty)
        let alone = try topology([Self.one])
        #expect(alone.differences(from: try topology(ranks(2)), ahead: ["ppo"]).isEmpty)
        #expect(alone.differences(from: split, ahead: ["ppo"]) == ["learners: 2 then, 1 now (ppo)"])
    }

    @Test("Threads and CPU count in every stage that is ahead, of workers but not of rank zero")
    func processors() throws {
        let then = try topology(ranks(2))
        let threads = try topology(ranks(2, Processor(threads: 2, cpu: "A")))
        #expect(
            threads.differences(from: then, ahead: ["split", "ppo"]) == ["threads a rank: 1 then, 2 now (split, ppo)"])
        #expect(threads.differences(from: then, ahead: []).isEmpty)
        let mixed = try topology([Self.one, Self.one, Processor(threads: 1, cpu: "B")])
        #expect(mixed.differences(from: then, ahead: ["sft"]) == ["CPU: A then, A+B now (sft)"])
        let zero = try topology([Processor(threads: 9, cpu: "C"), Self.one, Self.one])
        #expect(zero.differences(from: then, ahead: ["sft", "ppo"]).isEmpty)
    }

    @Test("Unequal samplers are compared one by one, since who computes which sample depends on their number")
    func unequal() throws {
        let (slow, fast) = (Self.one, Processor(threads: 4, cpu: "A"))
        let then = try topology([slow, slow, slow, fast])
        #expect(try topology([slow, slow, slow, fast]).differences(from: then, ahead: ["evaluate"]).isEmpty)
        let turned = try topology([slow, fast, slow, slow])
        #expect(
            turned.differences(from: then, ahead: ["evaluate"]) == [
                "threads a rank: 1+1+4 then, 4+1+1 now (evaluate)"
            ])
    }

    @Test("Another build is a difference while a stage is ahead")
    func build() throws {
        let then = try topology(ranks(2))
        let configuration = try RunConfiguration(yaml: Self.stages, name: "run.yaml")
        var other = try BuildIdentity()
        other.version = "0.0.9"
        let now = Topology(configuration, build: other, ranks: ranks(2))
        let differences = now.differences(from: then, ahead: ["ppo"])
        #expect(differences.count == 1)
        #expect(differences.first?.hasPrefix("build: mpo 0.1.0 (") ?? false)
        #expect(differences.first?.contains(" now") ?? false)
        #expect(now.differences(from: then, ahead: []).isEmpty)
    }
}

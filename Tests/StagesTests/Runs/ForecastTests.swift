import Foundation
import Runs
import Stages
import TestSupport
import Testing

@Suite("Plans against what runs leave", .serialized, .enabled(if: RunWorkspace.hasNeeds, RunWorkspace.needs))
struct ForecastTests {
    private static let stages = """
        dataset: {train: train.jsonl, eval: eval.jsonl, max_length: 128, max_prompt_length: 96, \
        truncation_mode: drop_turns}
        save_total_limit: 1
        stages: [reward, split, plain, again, decayed, sampled, two, rewarded, easy, labels, anchored]
        reward: {max_steps: 2, train_batch_size: 4}
        split: {quantile: 0.5}
        plain: {type: dpo, pairs: dataset.train, max_steps: 3, train_batch_size: 4, save_steps: 1}
        again: {type: dpo, pairs: dataset.train, max_steps: 1, train_batch_size: 4, loss_type: ipo}
        decayed: {type: dpo, pairs: dataset.train, max_steps: 1, train_batch_size: 4, loss_type: d2po_decay}
        sampled: {type: dpo, pairs: dataset.train, max_steps: 1, train_batch_size: 4, loss_type: mallows_theta, \
        reduction: sampo}
        two: {type: dpo, pairs: dataset.train, max_steps: 1, train_batch_size: 4, loss_type: mrpo, \
        references: [base, plain]}
        rewarded: {type: dpo, pairs: dataset.train, max_steps: 1, train_batch_size: 4, hpo: {reward: reward}}
        easy: {type: dpo, max_steps: 1, train_batch_size: 4, eval_data: [], loss_type: d2po_decay}
        labels: {type: kto, data: dataset.train, max_steps: 1, train_batch_size: 4}
        anchored: {type: kto, data: dataset.train, max_steps: 1, train_batch_size: 4, loss_type: apo_zero_unpaired}
        """

    @Test("Every table of references and rewards has the size that the plan says, in the stage that makes it")
    func disk() throws {
        try RunWorkspace.with { workspace in
            try workspace.addPairs(train: 120, eval: 30)
            try workspace.configure(Self.stages)
            let run = try configuration(workspace)
            let forecast = try RunForecast(run, ranks: 1)
            try workspace.train(["output_dir=out"])
            for (number, (stage, disk)) in zip(forecast.stages, forecast.disk).enumerated() {
                let name = stage.configuration.name
                let directory = "out/stages/\(number < 9 ? "0" : "")\(number + 1)-\(name)"
                let tables = try bytes(in: workspace, directory) { $0.hasPrefix("reference-") }
                // The easy half has the tokens of half of the pairs, more or less.
                let bound = name == "easy" ? 0.2 : 0.04
                #expect(
                    abs(Double(disk.tables - tables)) <= bound * Double(tables),
                    "\(name): \(disk.tables) bytes planned, \(tables) there")
                #expect((tables == 0) == ["reward", "split", "again"].contains(name), "\(name): \(tables) bytes")
                let models = try bytes(in: workspace, directory) { $0 == "final/model.safetensors" }
                #expect(abs(disk.models - models) <= models / 20, "\(name): \(disk.models) planned, \(models) there")
            }
        }
    }

    @Test("References and a reward model take turns, so the largest counts")
    func memory() throws {
        try RunWorkspace.with { workspace in
            try workspace.addPairs(train: 8, eval: 2)
            try workspace.configure(Self.stages)
            let stages = try RunForecast(try configuration(workspace), ranks: 1).stages
            let frozen = { (name: String) in
                stages.first { $0.configuration.name == name }?.roles.first?.memory.frozen
            }
            let one = try #require(frozen("plain"))
            #expect(one > 1_000_000 && frozen("two") == one)
            // A score head is small, and the reward model is no second one beside the reference.
            #expect(try #require(frozen("rewarded")) - one == 4 * 64)
        }
    }

    @Test(
        "Where nodes have cards, models lie on those, which workers share by their place, unless a stage says otherwise"
    )
    func cards() throws {
        try RunWorkspace.with { workspace in
            try workspace.addPairs(train: 8, eval: 2)
            try workspace.configure(
                """
                dataset: {train: train.jsonl, max_length: 128, max_prompt_length: 96}
                stages: [sft, reward, dpo]
                sft: {max_steps: 2, train_batch_size: 4, bf16: true}
                reward: {max_steps: 2, train_batch_size: 4, device: cpu}
                dpo: {max_steps: 2, train_batch_size: 4}
                """)
            let run = try configuration(workspace)
            var node = RunForecast.Node.thisMachine
            node.cards = RunForecast.Cards(count: 1, memory: 80 << 30)
            let forecast = try RunForecast(run, ranks: 3, node: node)
            let memory = forecast.stages.compactMap { $0.roles.first?.memory }
            #expect(memory.map(\.isOnCard) == [true, false, true])
            // Of half the size: what layers leave, but not what is trained.
            #expect(memory[0].activations < memory[2].activations && memory[0].weights == memory[2].weights)
            #expect(forecast.disk[0].models == forecast.disk[2].models / 2)
            #expect(forecast.text.contains("A card: at most 1.14 GiB for 2 ranks of 80.0 GiB"), "\(forecast.text)")
            try forecast.check()
            node.cards?.memory = 1 << 30
            let error = #expect(throws: RunError.self) { try RunForecast(run, ranks: 3, node: node).check() }
            #expect(
                error?.description.contains(
                    "2 ranks on a card need 1.14 GiB, but the card has 1.00 GiB; give each rank a card")
                    == true, "\(String(describing: error))")
            node.cards?.count = 2
            try RunForecast(run, ranks: 3, node: node).check()
            #expect(try !RunForecast(run, ranks: 3).text.contains("A card"))
        }
    }

    @Test("A plan names the stages whose tables depend on data that is yet to be made")
    func unknown() throws {
        try RunWorkspace.with { workspace in
            try workspace.addPairs(train: 8, eval: 2)
            try workspace.configure(
                Self.stages.replacing("split: {quantile: 0.5}", with: "split: {gamma: 1}"))
            let text = try RunForecast(try configuration(workspace), ranks: 1).text
            #expect(text.contains("Rows and metrics, and tables of easy, whose data is yet to be made, come beside."))
        }
    }

    private func configuration(_ workspace: RunWorkspace) throws -> RunConfiguration {
        try RunConfiguration(
            contentsOf: workspace.url("run.yaml").path,
            overrides: ["train", "eval"].map { "dataset.\($0)=\(workspace.url("\($0).jsonl").path)" }
                + ["output_dir=\(workspace.url("out").path)"])
    }

    /// Bytes of the files of a directory by their paths in it.
    private func bytes(in workspace: RunWorkspace, _ directory: String, where counts: (String) -> Bool) throws -> Int {
        let url = workspace.url(directory)
        return try FileManager.default.subpathsOfDirectory(atPath: url.path).filter(counts).reduce(0) { sum, path in
            let attributes = try FileManager.default.attributesOfItem(atPath: url.appending(path: path).path)
            return sum + (attributes[.type] as? FileAttributeType == .typeRegular ? attributes[.size] as? Int ?? 0 : 0)
        }
    }
}

import Runs
import Stages
import Testing
import Training

@Suite("Showing progress")
struct ProgressDisplayTests {
    @Test("A log gets a line at the start, one every few seconds, and the last step once")
    func plain() {
        let screen = Screen(style: .plain)
        let display = screen.display()
        display.begin(StageProgress(name: "dpo", keyMetrics: DPOStage.keyMetrics, position: 4, of: 6, total: 100))
        for step in 1...20 {
            screen.time += 0.5
            display.update(step: step, metrics: ["loss": 0.6931, "rewards/margins": 0.25, "perf/other": 3])
        }
        display.end()
        #expect(
            screen.text == """
                [4/6] dpo: 100 steps
                [4/6] dpo  10/100 steps  2/s  eta 45s  loss 0.6931  margins 0.2500
                [4/6] dpo  20/100 steps  2/s  eta 40s  loss 0.6931  margins 0.2500

                """)
    }

    @Test("A terminal gets one line, redrawn at most ten times a second")
    func redraws() {
        let screen = Screen(style: .bar)
        let display = screen.display()
        display.begin(StageProgress(name: "sft", keyMetrics: SFTStage.keyMetrics, position: 1, of: 2, total: 1000))
        for step in 1...1000 {
            screen.time += 0.001
            display.update(step: step)
        }
        display.end()
        let drawings = screen.text.split(separator: "\r\u{1B}[2K").count
        #expect((10...12).contains(drawings))
        #expect(screen.text.hasSuffix("1000/1000 steps  1000/s  in 1.0s\n"))
        #expect(screen.text.filter { $0 == "\n" }.count == 1)
    }

    @Test(
        "The line never reaches the terminal's edge: the bar shrinks, then the least telling metrics go",
        arguments: 2...150)
    func width(width: Int) throws {
        let screen = Screen(style: .bar)
        screen.width = width
        let display = screen.display()
        display.begin(
            StageProgress(name: "ppo", keyMetrics: PPOStage.keyMetrics, position: 5, of: 6, total: 1000, step: 500))
        screen.time += 10
        display.update(
            step: 510, metrics: ["objective/scores": 1.25, "objective/kl": 3.5, "completions/mean_length": 101.5])
        let line = try #require(screen.text.split(separator: "\r\u{1B}[2K").last)
        #expect(line.count < width)
        if width > 95 { #expect(line.contains("━") && line.hasSuffix("scores 1.2500  kl 3.5000  mean_length 101.5")) }
        if width == 60 { #expect(line.contains("510/1000 steps  1/s  eta 8m10s") && !line.contains("mean_length")) }
    }

    @Test("Rate and remaining time count from a resume, not from zero")
    func resumed() {
        let screen = Screen(style: .plain)
        let display = screen.display()
        display.begin(
            StageProgress(name: "sft", keyMetrics: SFTStage.keyMetrics, position: 1, of: 1, total: 200, step: 100))
        screen.time += 10
        display.update(step: 105)
        #expect(screen.text == "[1/1] sft: 200 steps, from 100 on\n[1/1] sft  105/200 steps  2.0s each  eta 3m10s\n")
    }

    @Test("A message goes above the bar, which is drawn again")
    func message() {
        let screen = Screen(style: .bar)
        let display = screen.display()
        display.begin(
            StageProgress(name: "sft", keyMetrics: SFTStage.keyMetrics, position: 1, of: 1, total: nil, unit: "row"))
        display.message("saved")
        let line = "\r\u{1B}[2K[1/1] sft  0 rows  for 0.0s"
        #expect(screen.text == "\(line)\r\u{1B}[2Ksaved\n\(line)")
    }

    @Test("Items that other workers have done before the stage is announced count, and the next stage begins at none")
    func early() throws {
        let screen = Screen(style: .plain)
        let configuration = try RunConfiguration(
            yaml: """
                output_dir: runs/test
                model_name_or_path: ./model
                dataset: {train: train.jsonl}
                stages: [split, split-2]
                split-2: {type: split, reward: rule:length:9}
                split: {reward: rule:length:9}
                """, name: "run.yaml")
        let plan = RunPlan(configuration)
        let log = RunLog(plan, output: ProgressOutput(style: .plain, write: { screen.text += $0 }))
        for stage in plan.stages {
            log.advance(by: 16)
            log.begin(stage, total: 48, unit: "pair", step: 8)
            log.advance(by: 24)
            log.end()
        }
        let last = screen.text.split(separator: "\n").filter { $0.contains("48/48 pairs") }
        #expect(last.count == 2, "\(screen.text)")
    }

    /// A place to write to with a clock that is set by hand.
    private final class Screen {
        var text = ""
        var time = 1000.0
        var width = 100
        let style: ProgressOutput.Style

        init(style: ProgressOutput.Style) {
            self.style = style
        }

        func display() -> ProgressDisplay {
            ProgressDisplay(
                ProgressOutput(style: style, width: { self.width }, write: { self.text += $0 }), clock: { self.time })
        }
    }
}

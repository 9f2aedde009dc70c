import Foundation

/// Shows how a run goes: on a terminal one line a stage, redrawn at most ten times a second; else a line every few
/// seconds.
package final class ProgressDisplay {
    private let output: ProgressOutput
    private let clock: () -> Double
    private let interval: Double
    private var current: Current?

    private struct Current {
        var progress: StageProgress
        var meter: RateMeter
        let start: Double
        var drawn: Double
        var drawnStep: Int?
        var isOnScreen = false
    }

    /// A display. `clock` gives seconds that only grow; `interval` is the least time between two plain lines.
    package init(
        _ output: ProgressOutput, interval: Double = 5,
        clock: @escaping () -> Double = { ProcessInfo.processInfo.systemUptime }
    ) {
        self.output = output
        self.clock = clock
        self.interval = output.style == .bar ? 0.1 : interval
    }

    /// Shows a stage at its start.
    package func begin(_ stage: StageProgress) {
        let now = clock()
        current = Current(
            progress: stage, meter: RateMeter(time: now, step: stage.step), start: now, drawn: now)
        if output.style == .bar {
            draw(at: now)
        } else {
            let size = stage.total.map { ": \($0) \(stage.unit)s" } ?? ""
            let resumed = stage.step > 0 ? ", from \(stage.step) on" : ""
            output.write("[\(stage.position)/\(stage.stages)] \(stage.name)\(size)\(resumed)\n")
        }
    }

    /// Takes note of a step and its metrics; metrics that are not given stay as they were.
    package func update(step: Int, metrics: MetricValues = [:]) {
        let now = clock()
        current?.progress.step = step
        current?.progress.metrics.merge(metrics)
        current?.meter.mark(time: now, step: step)
        redraw(at: now)
    }

    /// Draws anew if it is time to; called while nothing else happens, it keeps the clock going.
    package func tick() {
        redraw(at: clock())
    }

    /// Writes a line of text above the bar.
    package func message(_ text: String) {
        erase()
        output.write(text + "\n")
        if output.style == .bar, current != nil { draw(at: clock()) }
    }

    /// Leaves the stage's last state on the screen.
    package func end() {
        guard current != nil else { return }
        if output.style == .bar {
            draw(at: clock())
            output.write("\n")
        } else if current?.drawnStep != current?.progress.step {
            draw(at: clock())
        }
        current = nil
    }

    private func redraw(at now: Double) {
        guard let current, now - current.drawn >= interval else { return }
        draw(at: now)
    }

    private func draw(at now: Double) {
        guard let state = current else { return }
        let elapsed = now - state.start
        switch output.style {
        case .bar:
            // A line as wide as the terminal would wrap on some.
            let line = ProgressLine.bar(
                state.progress, rate: state.meter.rate, elapsed: elapsed, width: output.width() - 1)
            output.write("\r\u{1B}[2K" + line)
        case .plain:
            output.write(ProgressLine.plain(state.progress, rate: state.meter.rate, elapsed: elapsed) + "\n")
        }
        current?.drawn = now
        current?.drawnStep = state.progress.step
        current?.isOnScreen = output.style == .bar
    }

    private func erase() {
        guard current?.isOnScreen == true else { return }
        output.write("\r\u{1B}[2K")
        current?.isOnScreen = false
    }
}

/// Steps a second over the latest steps, so that a slow start does not weigh on the estimate for ever.
package struct RateMeter {
    private var marks: [(time: Double, step: Int)]
    private let window = 32

    package init(time: Double, step: Int) {
        marks = [(time, step)]
    }

    package mutating func mark(time: Double, step: Int) {
        guard step != marks.last?.step else { return }
        marks.append((time, step))
        if marks.count > window { marks.removeFirst() }
    }

    /// Steps a second; `nil` before the first step is done.
    package var rate: Double? {
        guard let first = marks.first, let last = marks.last, last.step > first.step, last.time > first.time else {
            return nil
        }
        return Double(last.step - first.step) / (last.time - first.time)
    }
}

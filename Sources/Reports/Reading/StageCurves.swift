/// What `metrics.jsonl` says of one stage: a row a step, a column a metric.
package struct StageCurves: Sendable {
    /// The directory name of the stage, such as `04-dpo`.
    package let stage: String
    /// Ascending.
    package private(set) var steps: [Double] = []
    /// Seconds since 1970.
    package private(set) var times: [Double] = []
    /// Metrics in the order in which they came.
    package private(set) var names: [String] = []
    /// Steps at which a metric was not finite, by its name.
    package private(set) var nonFinite: [String: [Double]] = [:]
    /// A value a row, NaN where there is none.
    private var columns: [[Double]] = []
    private var places: [String: Int] = [:]

    package init(stage: String) { self.stage = stage }

    /// A metric's values and their steps, where it has a finite one.
    package func points(of name: String) -> [CurvePoint] {
        guard let place = places[name] else { return [] }
        return zip(steps, columns[place]).compactMap { $1.isFinite ? CurvePoint(step: $0, value: $1) : nil }
    }

    /// A value a row, NaN where there is none; `nil` for a metric that the stage does not have.
    package func column(_ name: String) -> [Double]? { places[name].map { columns[$0] } }

    /// The last value that is finite.
    package func last(_ name: String) -> Double? { places[name].flatMap { columns[$0].last(where: \.isFinite) } }

    /// Begins a row. One of an earlier step than the last means that the stage went on from there, so that what came after is
    /// forgotten.
    mutating func begin(step: Double, time: Double) {
        if let last = steps.last, step <= last {
            let kept = steps.firstIndex { $0 >= step } ?? steps.count
            steps.removeSubrange(kept...)
            times.removeSubrange(kept...)
            for index in columns.indices { columns[index].removeSubrange(kept...) }
            for name in nonFinite.keys { nonFinite[name]?.removeAll { $0 >= step } }
        }
        steps.append(step)
        times.append(time)
        for index in columns.indices { columns[index].append(.nan) }
    }

    /// The column of a metric, which is new where there is none.
    mutating func place(of name: String) -> Int {
        if let place = places[name] { return place }
        places[name] = columns.count
        names.append(name)
        columns.append(Array(repeating: .nan, count: steps.count))
        return columns.count - 1
    }

    /// Sets a value of the row that was begun last; `nil` for one that was not finite.
    mutating func set(_ place: Int, _ value: Double?) {
        columns[place][steps.count - 1] = value ?? .nan
        if value == nil { nonFinite[names[place], default: []].append(steps[steps.count - 1]) }
    }
}

/// A value at a step.
package struct CurvePoint: Sendable, Equatable {
    package var step: Double
    package var value: Double

    package init(step: Double, value: Double) { (self.step, self.value) = (step, value) }
}

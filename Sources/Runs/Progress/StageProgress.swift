/// How far a stage has come.
package struct StageProgress: Sendable, Equatable {
    /// The stage's name.
    package var name: String
    /// The metrics that are shown, most telling first.
    package var keyMetrics: [String]
    /// Its place in the run, counted from one.
    package var position: Int
    /// How many stages the run has.
    package var stages: Int
    /// Steps of the whole stage; `nil` where that is not known.
    package var total: Int?
    /// What a step is called: `step`, `pair`, `prompt`.
    package var unit: String
    /// Steps done, those before a resume included.
    package var step: Int
    /// The latest metrics.
    package var metrics: MetricValues = [:]

    /// A stage at its start, or at the step that a resume goes on from.
    package init(
        name: String, keyMetrics: [String] = [], position: Int, of stages: Int, total: Int?, unit: String = "step",
        step: Int = 0
    ) {
        self.name = name
        self.keyMetrics = keyMetrics
        self.position = position
        self.stages = stages
        self.total = total
        self.unit = unit
        self.step = step
    }
}

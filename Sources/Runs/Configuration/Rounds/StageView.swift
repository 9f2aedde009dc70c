/// What a stage sees of a list that holds rounds.
///
/// A stage of a round sees those of its round by the names that the round gives them, and what comes before the rounds. A stage
/// behind them sees the last round so.
package struct StageView: Sendable {
    /// Earlier stages by their names in the run: those of the own round first, then the others.
    package var levels: [[String]]
    /// The names in the run of stages that a round names otherwise.
    package var aliases: [String: String]
    /// Whether the stage is itself one of a round.
    package var isInRound: Bool

    /// The name by which this stage would write another.
    package func name(of stage: String) -> String { aliases.first { $0.value == stage }?.key ?? stage }
}

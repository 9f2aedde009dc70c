import PreferenceData

/// The run's data, and how long and bad examples are treated where a stage does not say otherwise.
public struct DatasetOptions: Sendable, Equatable {
    /// Files of preference pairs or prompts to train on.
    public var train: [String] = []
    /// Held-out files.
    public var eval: [String] = []

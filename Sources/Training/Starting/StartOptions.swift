/// How a run is started, besides its configuration.
public struct StartOptions: Sendable, Equatable {
    /// Whether to go on with the run that the directory holds.
    public var resumes = false
    /// Whether to go on where rounding will differ from the earlier start's.
    public var allowsInexact = false
    /// Whether to go on where the configuration or inputs have changed, but nothing that has begun depends on it.
    public var allowsConfigChange = false
    /// Whether to take the run directory from a job that holds it.
    public var breaksLock = false

    /// A start of a new run.
    public init() {}
}

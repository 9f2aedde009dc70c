/// How a run is started, besides its configuration.
package struct StartOptions: Sendable, Equatable {
    /// Whether to go on with the run that the directory holds.
    package var resumes = false
    /// Whether to go on where rounding will differ from the earlier start's.
    package var allowsInexact = false
    /// Whether to go on where the configuration or inputs have changed, but nothing that has begun depends on it.
    package var allowsConfigChange = false
    /// Whether to take the run directory from a job that holds it.
    package var breaksLock = false

    /// A start of a new run.
    package init() {}
}

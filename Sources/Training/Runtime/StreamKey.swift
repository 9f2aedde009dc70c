import PreferenceData

/// Names the random stream of one sampled response: a function of what is sampled, never of who samples it or when.
struct StreamKey {
    var seed: UInt64
    var step: Int
    var prompt: Int
    var sample: Int

    /// The key of the stream.
    var value: UInt64 {
        var random = SplitMix64(seed, UInt64(step), UInt64(prompt), UInt64(sample))
        return random.next()
    }
}

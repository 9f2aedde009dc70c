import PreferenceData

/// Names the random stream of one sampled response: a function of what is sampled, never of who samples it or when.
package struct StreamKey {
    package var seed: UInt64
    package var step: Int
    package var prompt: Int
    package var sample: Int

    /// The key of the stream.
    package var value: UInt64 {
        var random = SplitMix64(seed, UInt64(step), UInt64(prompt), UInt64(sample))
        return random.next()
    }
}

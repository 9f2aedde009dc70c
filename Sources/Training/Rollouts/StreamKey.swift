import PreferenceData
import Runs

/// Names the random stream of one sampled response: a function of what is sampled, never of who samples it or when.
package struct StreamKey {
    package var seed: UInt64
    package var step: Int
    package var prompt: Int
    package var sample: Int

    package init(seed: UInt64, step: Int, prompt: Int, sample: Int) {
        (self.seed, self.step, self.prompt, self.sample) = (seed, step, prompt, sample)
    }

    /// The key of the stream.
    package var value: UInt64 {
        var random = SplitMix64(seed, UInt64(step), UInt64(prompt), UInt64(sample))
        return random.next()
    }
}

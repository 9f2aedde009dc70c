import PreferenceData
import Torch
import Training
import Transformers

extension Bench {
    /// Drawing responses of one length: for each number of slots `sampling` is all of it, prompts included, `prefill` the
    /// prompts with the first token, and `decode` what the further tokens cost.
    func decode() throws -> [Measurement] {
        let model = try model(.languageModel, trainable: false)
        return try options.generationBatchSizes.flatMap { size in
            let requests = requests(workload.prompts(size, from: ranks.rank * size)) { _ in options.responseLength }
            let generator = Generator(model, slots: size)
            let sampling = try draw("sampling \(size)", requests, with: generator)
            guard options.responseLength > 1 else { return [sampling] }
            let first = try draw("prefill \(size)", requests.map { $0.cut(to: 1) }, with: generator)
            let decoding = sampling.less(first, named: "decode \(size)")
            return (size == prefillSize ? [first.counting(requests.map(\.prompt.count))] : []) + [sampling, decoding]
        }
    }

    /// Drawing responses whose lengths differ as those of trained policies do, so that slots fall free at all times.
    func uneven() throws -> Measurement {
        let model = try model(.languageModel, trainable: false)
        let lengths = Self.unevenLengths
        let all = requests(workload.prompts(lengths.count)) { lengths[$0] }
        let mine = share(of: all) { $0.prompt.count + $0.maxNewTokens }
        var measurement = try draw("uneven 32", mine, with: Generator(model, slots: 32))
        measurement.values["lengths"] = lengths.map(Double.init)
        return measurement
    }

    /// 256 lengths from 8 to 128 with a mean of 48, in an order without pattern.
    static var unevenLengths: [Int] {
        let count = 256
        let lengths = (0..<count).map { place in
            let part = (Double(place) + 0.5) / Double(count)
            return 8 + Int((120 * part * part).rounded())
        }
        return permutation(count: count, seed: 0, epoch: 0).map { lengths[$0] }
    }

    /// The number of slots whose prompts are shown.
    private var prefillSize: Int? { options.generationBatchSizes.contains(32) ? 32 : options.generationBatchSizes.last }

    private func requests(_ prompts: [[Int32]], _ length: (Int) -> Int) -> [GenerationRequest] {
        prompts.enumerated().map { place, prompt in
            GenerationRequest(prompt: prompt, stream: UInt64(place), maxNewTokens: length(place))
        }
    }

    private func draw(
        _ name: String, _ requests: [GenerationRequest], with generator: Generator
    ) throws -> Measurement {
        let flops = FLOPCount(specification, head: .languageModel)
        let operations = requests.reduce(0) { $0 + flops.generation(prompt: $1.prompt.count, count: $1.maxNewTokens) }
        var completions: [Completion] = []
        var measurement = try measure(name, unit: "tokens") { _ in
            completions = try generator.generate(requests, options: GenerationOptions(eosTokenIDs: []))
            return (completions.reduce(0) { $0 + $1.tokens.count }, operations)
        }
        measurement.values["logps"] = completions.flatMap { $0.logps.map(Double.init) }
        measurement.values["tokens"] = completions.flatMap { $0.tokens.map(Double.init) }
        return measurement
    }
}

extension GenerationRequest {
    fileprivate func cut(to count: Int) -> GenerationRequest {
        GenerationRequest(prompt: prompt, stream: stream, maxNewTokens: count)
    }
}

extension Measurement {
    /// The same in tokens of prompts on this rank, which the first draw follows.
    fileprivate func counting(_ prompts: [Int]) -> Measurement {
        var measurement = self
        for index in samples.indices {
            measurement.samples[index].count *= Double(prompts.reduce(0, +)) / Double(prompts.count)
        }
        return measurement
    }

    /// What this one did beyond `other`, which is a part of it; against the median of its time.
    fileprivate func less(_ other: Measurement, named name: String) -> Measurement {
        let start = other.seconds
        return Measurement(
            name: name, unit: unit,
            samples: zip(samples, other.samples).map { sample, part in
                Sample(
                    seconds: sample.seconds - start,
                    processorSeconds: sample.processorSeconds - part.processorSeconds, count: sample.count - part.count,
                    operations: sample.operations - part.operations)
            }, peakMemory: peakMemory)
    }
}

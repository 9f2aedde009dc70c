import PreferenceData
import Runs
import Stages
import Torch
import Training
import Transformers

extension Bench {
    /// Drawing responses of one length: for each number of slots `sampling` is all of it, `prefill` the prompts with the
    /// first token, and `decode` the further tokens, all three timed in the same repeats.
    func decode() throws -> [Measurement] {
        let model = try model(.languageModel, trainable: false)
        return try options.generationBatchSizes.flatMap { size in
            let requests = requests(workload.prompts(size, from: ranks.rank * size)) { _ in options.responseLength }
            let generator = Generator(model, slots: size)
            guard options.responseLength > 1 else { return [try draw("sampling \(size)", requests, with: generator)] }
            let (prefill, decoding) = try drawInParts(size, requests, with: generator)
            let sampling = prefill.followed(by: decoding, named: "sampling \(size)", unit: "tokens")
            let first = size == prefillSize ? [prefill.counting(requests.map(\.prompt.count))] : []
            return first + [sampling, decoding]
        }
    }

    /// Drawing as many responses as there are slots, all of one length: up to their first tokens, and from there.
    private func drawInParts(
        _ size: Int, _ requests: [GenerationRequest], with generator: Generator
    ) throws -> (prefill: Measurement, decoding: Measurement) {
        let first = operations(of: requests.map { $0.cut(to: 1) })
        let all = operations(of: requests)
        var completions: [Completion] = []
        var parts = try measure([("prefill \(size)", "tokens"), ("decode \(size)", "tokens")]) { _, next in
            var isFirst = true
            completions = try generator.generate(requests, options: GenerationOptions(eosTokenIDs: [])) {
                if isFirst { try next() }
                isFirst = false
            }
            let count = completions.reduce(0) { $0 + $1.tokens.count }
            return [(requests.count, first), (count - requests.count, all - first)]
        }
        parts[1].values = values(of: completions)
        return (parts[0], parts[1])
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
        let lengths = (0..<count).map { number in
            let part = (Double(number) + 0.5) / Double(count)
            return 8 + Int((120 * part * part).rounded())
        }
        return permutation(count: count, seed: 0, epoch: 0).map { lengths[$0] }
    }

    /// The number of slots whose prompts are shown.
    private var prefillSize: Int? { options.generationBatchSizes.contains(32) ? 32 : options.generationBatchSizes.last }

    private func requests(_ prompts: [[Int32]], _ length: (Int) -> Int) -> [GenerationRequest] {
        prompts.enumerated().map { number, prompt in
            GenerationRequest(prompt: prompt, stream: UInt64(number), maxNewTokens: length(number))
        }
    }

    private func draw(
        _ name: String, _ requests: [GenerationRequest], with generator: Generator
    ) throws -> Measurement {
        let operations = operations(of: requests)
        var completions: [Completion] = []
        var measurement = try measure(name, unit: "tokens") { _ in
            completions = try generator.generate(requests, options: GenerationOptions(eosTokenIDs: []))
            return (completions.reduce(0) { $0 + $1.tokens.count }, operations)
        }
        measurement.values = values(of: completions)
        return measurement
    }

    private func operations(of requests: [GenerationRequest]) -> Double {
        let flops = FLOPCount(specification, head: .languageModel)
        return requests.reduce(0) { $0 + flops.generation(prompt: $1.prompt.count, count: $1.maxNewTokens) }
    }

    private func values(of completions: [Completion]) -> [String: [Double]] {
        [
            "logps": completions.flatMap { $0.logps.map(Double.init) },
            "tokens": completions.flatMap { $0.tokens.map(Double.init) },
        ]
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
}

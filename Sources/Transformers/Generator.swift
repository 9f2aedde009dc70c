import Torch

/// Draws completions from a language model with a key-value cache and a fixed number of slots.
///
/// New prompts enter as packed rows without padding, a finished slot is refilled at once, and every step advances all
/// slots by a token. Steps always have the full width and prompts at least ``promptRows`` rows, since the last bits of
/// a matrix product depend on how few rows it has: so a completion's bits depend on its request alone, not on its
/// neighbours, its slot or the order of requests.
public final class Generator {
    /// How many completions advance together.
    public let slots: Int
    private let decoder: Decoder
    private var caches: [AttentionCache] = []

    /// The fewest rows of a pass over prompts.
    static let promptRows = 256
    /// The most rows of a pass over prompts, unless one prompt alone has more.
    private static let maximumPromptRows = 2048
    /// The fewest rows of a step.
    private static let minimumSlots = 16

    /// An engine for a language model.
    ///
    /// - Parameter slots: how many completions advance together; rounded up to a multiple of 16.
    public init(_ decoder: Decoder, slots: Int = 32) {
        precondition(decoder.head == .languageModel, "a score model generates nothing")
        self.decoder = decoder
        let unit = Self.minimumSlots
        self.slots = max(1, (slots + unit - 1) / unit) * unit
    }

    /// Draws a completion for each request, in the order of requests.
    public func generate(
        _ requests: [GenerationRequest], options: GenerationOptions
    ) throws(GenerationError) -> [Completion] {
        try check(requests, options)
        // The last token drawn is never fed back.
        let capacity = requests.map { $0.prompt.count + $0.maxNewTokens - 1 }.max() ?? 0
        reserve(capacity)
        var completions = [Completion](repeating: Completion(), count: requests.count)
        var lanes = [Lane?](repeating: nil, count: slots)
        var next = 0
        withoutGradients {
            while true {
                let free = lanes.indices.filter { lanes[$0] == nil }.prefix(requests.count - next)
                for slot in free {
                    lanes[slot] = Lane(index: next, request: requests[next])
                    next += 1
                }
                if lanes.allSatisfy({ $0 == nil }) { break }
                prefill(free.compactMap { slot in lanes[slot].map { (slot, $0.request.prompt.dropLast()) } })
                let drawn = step(lanes, options)
                for slot in lanes.indices {
                    guard let finished = lanes[slot]?.take(drawn.tokens[slot], drawn.logps[slot], options) else {
                        continue
                    }
                    completions[finished.index] = finished.completion
                    lanes[slot] = nil
                }
            }
        }
        return completions
    }

    /// Fills the caches with the keys and values of prompts without their last tokens, which the first step feeds.
    private func prefill(_ prompts: [(slot: Int, tokens: ArraySlice<Int32>)]) {
        var batch: [(slot: Int, tokens: ArraySlice<Int32>)] = []
        var rows = 0
        for prompt in prompts where !prompt.tokens.isEmpty {
            if !batch.isEmpty, rows + prompt.tokens.count > Self.maximumPromptRows {
                prefillTogether(batch)
                batch = []
                rows = 0
            }
            batch.append(prompt)
            rows += prompt.tokens.count
        }
        if !batch.isEmpty { prefillTogether(batch) }
    }

    private func prefillTogether(_ prompts: [(slot: Int, tokens: ArraySlice<Int32>)]) {
        var rows = PackedRows()
        for prompt in prompts { rows.append(prompt.tokens) }
        let filled = 0..<rows.count
        let owners = prompts.flatMap { prompt in repeatElement(Int64(prompt.slot), count: prompt.tokens.count) }
        let places = rows.positions.map { Int64($0) }
        rows.pad(to: Self.promptRows)
        let segments = rows.segments.map { AttentionSegment(rows: $0.rows, prefix: $0.prefix) }
        let scale = decoder.scale
        _ = decoder.hiddenStates(tokens: rows.tokens, positions: rows.positions) { [caches] layer, query, key, value in
            caches[layer].write(key.narrowed(0, filled), value.narrowed(0, filled), slots: owners, positions: places)
            return query.attention(key, value, segments: segments, scale: scale)
        }
    }

    /// Feeds every slot its next token and draws the one after it. Empty slots feed token 0 to themselves.
    private func step(_ lanes: [Lane?], _ options: GenerationOptions) -> SampledTokens {
        let positions = lanes.map { $0?.position ?? 0 }
        let owners = lanes.indices.map { Int64($0) }
        let places = positions.map { Int64($0) }
        let lengths = places.map { $0 + 1 }
        let scale = decoder.scale
        let hidden = decoder.hiddenStates(tokens: lanes.map { $0?.token ?? 0 }, positions: positions.map { Int32($0) })
        {
            [caches] layer, query, key, value in
            caches[layer].write(key, value, slots: owners, positions: places)
            return caches[layer].attention(query, slots: owners, lengths: lengths, scale: scale)
        }
        return decoder.logits(hidden).sampleTokens(
            options.streamSampling, keys: lanes.map { $0?.request.stream ?? 0 },
            counters: lanes.map { UInt64($0?.completion.tokens.count ?? 0) },
            suppressing: lanes.map { ($0?.completion.tokens.count ?? 0) < options.minNewTokens })
    }

    /// Makes room for `capacity` tokens a slot.
    private func reserve(_ capacity: Int) {
        guard caches.first.map({ $0.capacity < capacity }) ?? true else { return }
        let specification = decoder.specification
        caches = []
        caches = (0..<specification.layers).map { _ in
            AttentionCache(
                slots: slots, heads: specification.keyValueHeads, capacity: max(1, capacity),
                channels: specification.channels)
        }
    }

    private func check(_ requests: [GenerationRequest], _ options: GenerationOptions) throws(GenerationError) {
        let size = decoder.specification.vocabularySize
        for id in requests.lazy.flatMap(\.prompt) where !(0..<Int32(size)).contains(id) {
            throw .unknownToken(id, vocabularySize: size)
        }
        for id in options.eosTokenIDs + options.sampling.suppressed where !(0..<Int32(size)).contains(id) {
            throw .unknownToken(id, vocabularySize: size)
        }
        for (index, request) in requests.enumerated() {
            if request.prompt.isEmpty { throw .emptyPrompt(index: index) }
            if request.maxNewTokens < 1 { throw .nothingToGenerate(index: index) }
            let length = request.prompt.count + request.maxNewTokens
            if let maximum = decoder.maximumLength, length > maximum {
                throw .tooLong(index: index, length: length, maximum: maximum)
            }
        }
    }
}

/// A completion on its way in a slot.
private struct Lane {
    /// Which request it serves.
    let index: Int
    let request: GenerationRequest
    var completion = Completion()

    init(index: Int, request: GenerationRequest) {
        self.index = index
        self.request = request
    }

    /// The token that the next step feeds.
    var token: Int32 { completion.tokens.last ?? request.prompt[request.prompt.count - 1] }

    /// Its position.
    var position: Int { request.prompt.count - 1 + completion.tokens.count }

    /// Adds a drawn token; returns itself if that was the last.
    mutating func take(_ token: Int32, _ logp: Float, _ options: GenerationOptions) -> Lane? {
        completion.tokens.append(token)
        completion.logps.append(logp)
        if options.eosTokenIDs.contains(token) {
            completion.finishReason = .stop
            return self
        }
        return completion.tokens.count == request.maxNewTokens ? self : nil
    }
}

extension GenerationOptions {
    /// Sampling in which the first tokens of a completion may not end it.
    fileprivate var streamSampling: SamplingOptions {
        var sampling = sampling
        sampling.suppressed += eosTokenIDs
        return sampling
    }
}

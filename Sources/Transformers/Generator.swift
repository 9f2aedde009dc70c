import Torch

/// Draws completions from a language model with a key-value cache and a fixed number of slots.
///
/// New prompts enter as packed rows without padding, one that several slots share only once; a finished slot is refilled
/// at once, and every step advances all busy slots by a token. A ``PackedDecoder`` computes them: so a completion's bits
/// depend on its request alone, not on its neighbours, its slot or the order of requests. Weights that change later need
/// another generator.
public final class Generator {
    /// How many completions advance together.
    public let slots: Int
    private let decoder: DecoderModel
    private let model: PackedDecoder
    private var caches: [AttentionCache] = []

    /// The most rows of a pass over prompts, unless one prompt alone has more.
    private static let maximumPromptRows = 2048

    /// An engine for a language model with the weights that it has now, of which it makes a copy.
    public init(_ decoder: DecoderModel, slots: Int = 32) {
        precondition(decoder.head == .languageModel, "a score model generates nothing")
        self.decoder = decoder
        self.slots = max(1, slots)
        model = PackedDecoder(decoder)
    }

    /// Draws a completion for each request, in the order of requests.
    public func generate(
        _ requests: [GenerationRequest], options: GenerationOptions
    ) throws(GenerationError) -> [Completion] {
        try check(requests, options)
        var completions = [Completion](repeating: Completion(), count: requests.count)
        draw(requests, options, { completions[$0] = $1 }, stepped: {})
        return completions
    }

    /// Draws completions, and tells after each token that all busy slots have drawn.
    package func generate(
        _ requests: [GenerationRequest], options: GenerationOptions, stepped: () throws -> Void
    ) throws -> [Completion] {
        try check(requests, options)
        var completions = [Completion](repeating: Completion(), count: requests.count)
        try draw(requests, options, { completions[$0] = $1 }, stepped: stepped)
        return completions
    }

    /// Draws a completion for each request and hands it over, with the request's index, when it is whole.
    ///
    /// So a long list can be worked on, saved and stopped while slots are kept busy. A completion that is handed over
    /// may be of a later request than the next.
    ///
    /// - Parameter goesOn: Asked before each step; `false` ends drawing, and what is not whole is lost.
    /// - Throws: ``GenerationError`` before the first token is drawn, and what `completed` throws, which ends drawing.
    public func generate(
        _ requests: [GenerationRequest], options: GenerationOptions, while goesOn: () -> Bool = { true },
        completed: (_ index: Int, _ completion: Completion) throws -> Void
    ) throws {
        try check(requests, options)
        try draw(requests, options, while: goesOn, completed, stepped: {})
    }

    private func draw<Failure>(
        _ requests: [GenerationRequest], _ options: GenerationOptions, while goesOn: () -> Bool = { true },
        _ completed: (Int, Completion) throws(Failure) -> Void, stepped: () throws(Failure) -> Void
    ) throws(Failure) {
        // The last token drawn is never fed back.
        reserve(requests.map { $0.prompt.count + $0.maxNewTokens - 1 }.max() ?? 0)
        var lanes = [Lane?](repeating: nil, count: slots)
        var next = 0
        try withoutGradients { () throws(Failure) in
            while goesOn() {
                let free = lanes.indices.filter { lanes[$0] == nil }.prefix(requests.count - next)
                for slot in free {
                    lanes[slot] = Lane(index: next, request: requests[next])
                    next += 1
                }
                let busy = lanes.indices.filter { lanes[$0] != nil }
                if busy.isEmpty { break }
                prefill(lanes, new: Set(free))
                renew(lanes)
                let drawn = step(busy.compactMap { slot in lanes[slot].map { (slot, $0) } }, options)
                try stepped()
                for (row, slot) in busy.enumerated() {
                    guard let finished = lanes[slot]?.take(drawn.tokens[row], drawn.logps[row], options) else {
                        continue
                    }
                    lanes[slot] = nil
                    try completed(finished.index, finished.completion)
                }
            }
        }
    }

    /// Fills the caches of new lanes with the keys and values of their prompts without the last tokens, which the first
    /// step feeds. A prompt that a slot has already is copied from there.
    private func prefill(_ lanes: [Lane?], new: Set<Int>) {
        // Most steps have none, and looking at all prompts takes a while.
        guard !new.isEmpty else { return }
        var sources: [[Int32]: Int] = [:]
        for (slot, lane) in lanes.enumerated() where !new.contains(slot) {
            guard let lane, decoder.specification.rotatesAlike(at: lane.position, as: lane.request.prompt.count) else {
                continue
            }
            sources[lane.request.prompt] = slot
        }
        var fresh: [Start] = []
        var copies: [(source: Int, target: Int, count: Int)] = []
        for slot in new.sorted() {
            guard let prompt = lanes[slot]?.request.prompt, prompt.count > 1 else { continue }
            if let source = sources[prompt] {
                copies.append((source, slot, prompt.count - 1))
            } else {
                sources[prompt] = slot
                fresh.append((slot, prompt.dropLast()))
            }
        }
        for batch in Self.batches(fresh) { prefillTogether(batch) }
        for copy in copies {
            for cache in caches { cache.copy(from: copy.source, to: copy.target, count: copy.count) }
        }
    }

    /// Fills the caches of lanes anew that are now so long that all their tokens have other positions.
    ///
    /// So a completion is what whole passes over its sequence give at every length.
    private func renew(_ lanes: [Lane?]) {
        guard decoder.specification.rotaryContext != nil else { return }
        let stale = lanes.enumerated().compactMap { slot, lane -> Start? in
            guard let lane, !lane.completion.tokens.isEmpty,
                !decoder.specification.rotatesAlike(at: lane.position, as: lane.position + 1)
            else { return nil }
            return (slot, (lane.request.prompt + lane.completion.tokens).dropLast())
        }
        for batch in Self.batches(stale) { prefillTogether(batch) }
    }

    /// The tokens of a sequence before the one that a step feeds.
    private typealias Start = (slot: Int, tokens: ArraySlice<Int32>)

    /// Starts in their order, as many together as a pass may have rows.
    private static func batches(_ prompts: [Start]) -> [[Start]] {
        var batches: [[Start]] = []
        var rows = maximumPromptRows
        for prompt in prompts {
            rows += prompt.tokens.count
            if rows > maximumPromptRows {
                batches.append([])
                rows = prompt.tokens.count
            }
            batches[batches.count - 1].append(prompt)
        }
        return batches
    }

    private func prefillTogether(_ prompts: [Start]) {
        var rows = PackedRows()
        for prompt in prompts { rows.append(prompt.tokens) }
        let owners = prompts.flatMap { prompt in repeatElement(Int64(prompt.slot), count: prompt.tokens.count) }
        let places = rows.positions.map { Int64($0) }
        // With the token that a step feeds.
        let lengths = prompts.flatMap { repeatElement(Int32($0.tokens.count + 1), count: $0.tokens.count) }
        let segments = rows.segments.map { AttentionSegment(rows: $0.rows, prefix: $0.prefix) }
        let layers = decoder.layers
        // No row goes on: it is the keys and values on the way that are wanted.
        _ = model.hiddenStates(tokens: rows.tokens, RowPlaces(positions: rows.positions, lengths: lengths), at: []) {
            [caches] layer, query, key, value in
            caches[layer].write(key, value, slots: owners, positions: places)
            return query.attention(
                key, value, sinks: layers[layer].sinks, segments: segments,
                layers[layer].specification.attention.options)
        }
    }

    /// Feeds each busy slot its next token and draws the one after it.
    private func step(_ busy: [(slot: Int, lane: Lane)], _ options: GenerationOptions) -> SampledTokens {
        let lanes = busy.map(\.lane)
        let owners = busy.map { Int64($0.slot) }
        let places = lanes.map { Int64($0.position) }
        let lengths = places.map { $0 + 1 }
        let layers = decoder.layers
        let rows = RowPlaces(positions: places.map { Int32($0) }, lengths: lengths.map { Int32($0) })
        let hidden = model.hiddenStates(tokens: lanes.map(\.token), rows) {
            [caches] layer, query, key, value in
            caches[layer].write(key, value, slots: owners, positions: places)
            return caches[layer].attention(
                query, sinks: layers[layer].sinks, slots: owners, lengths: lengths,
                layers[layer].specification.attention.options)
        }
        let counts = lanes.map(\.completion.tokens.count)
        return model.logits(hidden).sampleTokens(
            options.streamSampling, keys: lanes.map(\.request.stream), counters: counts.map { UInt64($0) },
            suppressing: counts.map { $0 < options.minNewTokens })
    }

    /// Makes room for `capacity` tokens a slot.
    private func reserve(_ capacity: Int) {
        guard caches.first.map({ $0.capacity < capacity }) ?? true else { return }
        caches = []
        caches = decoder.specification.layers.map { layer in
            AttentionCache(
                slots: slots, heads: layer.attention.keyValueHeads, capacity: max(1, capacity),
                channels: layer.attention.channels, placement: decoder.placement)
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
    fileprivate var streamSampling: TokenSampling {
        var sampling = sampling
        sampling.suppressed += eosTokenIDs
        return sampling
    }
}

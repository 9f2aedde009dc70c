import CTorch

/// Keys and values of past tokens, one slot a sequence, in a layout that the kernels of its placement choose.
public final class AttentionCache {
    private let handle: OpaquePointer
    /// How many sequences it holds.
    public let slots: Int
    /// How many tokens a slot holds.
    public let capacity: Int

    /// An empty cache of one layer, for `capacity` tokens a slot or a few more.
    public init(slots: Int, heads: Int, capacity: Int, channels: Int, placement: Placement = .float32) {
        var handle: OpaquePointer?
        let status = ct_cache_create(
            Int64(slots), Int64(heads), Int64(capacity), Int64(channels), placement.code, &handle)
        guard status == 0, let handle else { fail("cache", []) }
        self.handle = handle
        self.slots = slots
        self.capacity = Int(ct_cache_capacity(handle))
    }

    deinit { ct_cache_free(handle) }

    /// What such a cache takes.
    public static func bytes(
        slots: Int, heads: Int, capacity: Int, channels: Int, placement: Placement = .float32
    ) -> Int {
        var bytes: Int64 = 0
        perform("cache size") {
            ct_cache_bytes(Int64(slots), Int64(heads), Int64(capacity), Int64(channels), placement.code, &bytes)
        }
        return Int(bytes)
    }

    /// Writes row `i` of `key`, `value` `[rows, kv heads, channels]` at `positions[i]` of `slots[i]`.
    public func write(_ key: Tensor, _ value: Tensor, slots: [Int64], positions: [Int64]) {
        precondition(
            slots.count == key.shape[0] && positions.count == slots.count, "a slot and a position for each row")
        perform("cache write", key, value) { ct_cache_write(handle, key.handle, value.handle, slots, positions) }
    }

    /// Copies the first `count` tokens of a slot to another one.
    public func copy(from source: Int, to target: Int, count: Int) {
        perform("cache copy") { ct_cache_copy(handle, Int64(source), Int64(target), Int64(count)) }
    }

    /// Attention of one query a row, `[rows, heads, channels]`, over the first `lengths[i]` tokens of `slots[i]`; `sinks` as in
    /// ``Tensor/attention(_:_:sinks:segments:_:)``.
    public func attention(
        _ query: Tensor, sinks: Tensor? = nil, slots: [Int64], lengths: [Int64], _ options: AttentionOptions
    ) -> Tensor {
        precondition(slots.count == query.shape[0] && lengths.count == slots.count, "a slot and a length for each row")
        return tensor("cache attention", query, sinks) {
            ct_cache_attention(query.handle, handle, sinks?.handle, slots, lengths, options.code, $0)
        }
    }
}

/// How tokens are drawn from logits.
public struct TokenSampling: Sendable, Equatable {
    /// Divides the logits; 0 takes the most likely token.
    public var temperature: Double
    /// Keeps the most likely tokens only; 0 keeps all.
    public var topK: Int
    /// Keeps the smallest set of most likely tokens with this probability; 1 keeps all.
    public var topP: Double
    /// Tokens that a row may be forbidden to draw, such as the end of text before a least length.
    public var suppressed: [Int32]

    /// Draws from the model's own distribution unless told otherwise.
    public init(temperature: Double = 1, topK: Int = 0, topP: Double = 1, suppressed: [Int32] = []) {
        self.temperature = temperature
        self.topK = topK
        self.topP = topP
        self.suppressed = suppressed
    }
}

/// What was drawn, a row each.
public struct SampledTokens: Sendable, Equatable {
    /// Token ids.
    public var tokens: [Int32]
    /// Their log-probabilities under the full softmax at the sampling temperature (at 1 where that is 0), before top-k and top-p.
    public var logps: [Float]
}

extension Tensor {
    /// Draws a token from each row of these logits `[rows, vocabulary]`.
    ///
    /// The noise is a function of the row's key and counter (and the token) alone, so what is drawn does not depend on the
    /// row's company. An exponential race keeps a draw where it is under small changes of the logits.
    public func sampleTokens(
        _ options: TokenSampling, keys: [UInt64], counters: [UInt64], suppressing: [Bool]
    ) -> SampledTokens {
        let rows = shape[0]
        precondition(
            keys.count == rows && counters.count == rows && suppressing.count == rows,
            "a stream for each of \(rows) rows")
        var tokens = [Int64](repeating: 0, count: rows)
        var logps = [Float](repeating: 0, count: rows)
        let suppressed = options.suppressed.map(Int64.init)
        perform("sample", self) {
            suppressed.withUnsafeBufferPointer { suppressed in
                ct_sample(
                    handle,
                    ct_sampling(
                        temperature: options.temperature, top_k: Int64(options.topK), top_p: options.topP,
                        suppressed: suppressed.baseAddress, suppressed_count: suppressed.count),
                    keys, counters, suppressing.map { $0 ? 1 : 0 }, &tokens, &logps)
            }
        }
        return SampledTokens(tokens: tokens.map { Int32($0) }, logps: logps)
    }
}

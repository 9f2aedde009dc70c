import CTorch

/// Keys and values of past tokens, one slot a sequence, in panels: keys `[slots, kv heads, capacity / 16, channels, 16]`,
/// values `[slots, kv heads, ⌈channels / 16⌉, capacity, 16]`.
public final class AttentionCache {
    private let keys: Tensor
    private let values: Tensor
    /// How many sequences it holds.
    public let slots: Int
    /// How many tokens a slot holds.
    public let capacity: Int

    private static let panel = Int(CT_PANEL_WIDTH)

    /// An empty cache of one layer, for `capacity` tokens a slot or a few more.
    public init(slots: Int, heads: Int, capacity: Int, channels: Int) {
        self.slots = slots
        self.capacity = Self.panels(capacity) * Self.panel
        keys = .empty([slots, heads, Self.panels(capacity), channels, Self.panel])
        values = .empty([slots, heads, Self.panels(channels), self.capacity, Self.panel])
    }

    /// What such a cache takes.
    public static func bytes(slots: Int, heads: Int, capacity: Int, channels: Int) -> Int {
        let capacity = panels(capacity) * panel
        return 4 * slots * heads * capacity * (channels + panels(channels) * panel)
    }

    private static func panels(_ count: Int) -> Int { (count + panel - 1) / panel }

    /// Writes row `i` of `key`, `value` `[rows, kv heads, channels]` at `positions[i]` of `slots[i]`.
    public func write(_ key: Tensor, _ value: Tensor, slots: [Int64], positions: [Int64]) {
        precondition(
            slots.count == key.shape[0] && positions.count == slots.count, "a slot and a position for each row")
        perform("cache write", key, value) {
            ct_cache_write(keys.handle, values.handle, key.handle, value.handle, slots, positions)
        }
    }

    /// Copies the first `count` tokens of a slot to another one.
    public func copy(from source: Int, to target: Int, count: Int) {
        for (tensor, dimension, extent) in [(keys, 2, Self.panels(count)), (values, 3, count)] {
            let first = { (slot: Int) in
                tensor.narrowed(0, slot..<slot + 1).narrowed(dimension, 0..<extent)
            }
            first(target).copy(from: first(source))
        }
    }

    /// Attention of one query a row, `[rows, heads, channels]`, over the first `lengths[i]` tokens of `slots[i]`.
    public func attention(_ query: Tensor, slots: [Int64], lengths: [Int64], scale: Double) -> Tensor {
        precondition(slots.count == query.shape[0] && lengths.count == slots.count, "a slot and a length for each row")
        return tensor("cache attention", query, keys) {
            ct_cache_attention(query.handle, keys.handle, values.handle, slots, lengths, scale, $0)
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

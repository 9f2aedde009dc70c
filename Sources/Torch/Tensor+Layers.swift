import CTorch

/// The products and normalisations that a decoder is made of.
extension Tensor {
    /// The matrix product, batched over leading dimensions.
    public func matmul(_ other: Tensor) -> Tensor {
        tensor("matmul", self, other) { ct_matmul(handle, other.handle, $0) }
    }

    /// `self [n, in]` by `weight [out, in]`, plus `bias [out]`. A row's bits depend neither on the other rows nor on the number
    /// of threads.
    public func linear(_ weight: Tensor, bias: Tensor? = nil) -> Tensor {
        tensor("linear", self, weight, bias) { ct_linear(handle, weight.handle, bias?.handle, $0) }
    }

    /// The same by `weight [in, out]`, the layout of GPT-2's checkpoints.
    public func linearTransposed(_ weight: Tensor, bias: Tensor? = nil) -> Tensor {
        tensor("linear transposed", self, weight, bias) {
            ct_linear_transposed(handle, weight.handle, bias?.handle, $0)
        }
    }

    /// Rows of this table `[vocabulary, width]` by index: `[n, width]`.
    public func embedding(_ indices: Tensor) -> Tensor {
        tensor("embedding", self, indices) { ct_embedding(handle, indices.handle, $0) }
    }

    /// Layer normalisation over the last dimension.
    public func layerNorm(_ weight: Tensor, bias: Tensor?, epsilon: Double) -> Tensor {
        tensor("layer norm", self, weight, bias) {
            ct_layer_norm(handle, weight.handle, bias?.handle, epsilon, $0)
        }
    }

    /// Root-mean-square normalisation over the last dimension (Zhang & Sennrich 2019), fused.
    public func rmsNorm(_ weight: Tensor, epsilon: Double) -> Tensor {
        tensor("RMS norm", self, weight) { ct_rms_norm(handle, weight.handle, epsilon, $0) }
    }

    /// Rotary position embedding of `[rows, heads, channels]` in the half-split convention of Hugging Face models: channel
    /// `i` is paired with `i + half`, and channels past `2 half` pass through. `cosine`, `sine`: `[rows, half]`.
    public func rotated(cosine: Tensor, sine: Tensor) -> Tensor {
        tensor("rotary", self, cosine, sine) { ct_rotary(handle, cosine.handle, sine.handle, $0) }
    }

    /// `silu(self) * up`, fused.
    public func siluGate(_ up: Tensor) -> Tensor {
        tensor("SiLU gate", self, up) { ct_silu_gate(handle, up.handle, $0) }
    }

    /// `gelu(self) * up`, fused, GELU by its tanh approximation.
    public func geluGate(_ up: Tensor) -> Tensor {
        tensor("GELU gate", self, up) { ct_gelu_gate(handle, up.handle, $0) }
    }

    /// Softmax attention a segment at a time, without padding: `self [rows, heads, channels]` against `key`, `value`
    /// `[rows, kv heads, channels]`; query heads share key heads in equal groups. Rows outside every segment give zeros.
    ///
    /// - Parameter sinks: a score for each query head, `[heads]`, that takes part in the softmax and leads nowhere.
    public func attention(
        _ key: Tensor, _ value: Tensor, sinks: Tensor? = nil, segments: [AttentionSegment], _ options: AttentionOptions
    ) -> Tensor {
        let list = segments.map {
            ct_segment(
                start: Int64($0.rows.lowerBound), count: Int64($0.rows.count),
                prefix_start: Int64($0.prefix.lowerBound), prefix_count: Int64($0.prefix.count))
        }
        return tensor("segment attention", self, key, value, sinks) { out in
            list.withUnsafeBufferPointer {
                ct_segment_attention(
                    handle, key.handle, value.handle, sinks?.handle, $0.baseAddress, $0.count, options.code, out)
            }
        }
    }

    /// For hidden states `self [n, width]`: the log-probability of `targets [n]` (int64) under the softmax of the logits that
    /// `shape` makes of self x vocabularyᵀ, without ever holding `[n, vocabulary]`.
    public func logps(ofTargets targets: Tensor, vocabulary: Tensor, _ shape: LogitShape = LogitShape()) -> TokenLogps {
        var logps: OpaquePointer?
        var statistics: OpaquePointer?
        let status = ct_linear_logps(handle, vocabulary.handle, targets.handle, shape.code, &logps, &statistics)
        guard status == 0, let logps, let statistics else { fail("linear logps", [self, vocabulary, targets]) }
        return TokenLogps(logps: Tensor(owning: logps), statistics: Tensor(owning: statistics))
    }
}

/// What a softmax over products of queries and keys is taken of.
public struct AttentionOptions: Sendable, Equatable {
    /// What the products are multiplied with.
    public var scale: Double
    /// Such a product s then becomes `cap tanh(s / cap)`; `nil` leaves it.
    public var cap: Double?
    /// How many of the last tokens a query sees, its own among them; `nil` for all.
    public var window: Int?

    /// Causal attention.
    public init(scale: Double, cap: Double? = nil, window: Int? = nil) {
        self.scale = scale
        self.cap = cap
        self.window = window
    }

    var code: ct_attention { ct_attention(scale: scale, cap: cap ?? 0, window: Int64(window ?? 0)) }
}

/// What products of hidden states and a vocabulary become before the softmax.
public struct LogitShape: Sendable, Equatable {
    /// They are divided by this.
    public var divisor: Double
    /// Such a logit z then becomes `cap tanh(z / cap)`; `nil` leaves it.
    public var cap: Double?
    /// Divides last.
    public var temperature: Double

    /// The products themselves, unless told otherwise.
    public init(divisor: Double = 1, cap: Double? = nil, temperature: Double = 1) {
        self.divisor = divisor
        self.cap = cap
        self.temperature = temperature
    }

    var code: ct_logit_shape { ct_logit_shape(divisor: divisor, cap: cap ?? 0, temperature: temperature) }
}

/// A run of rows that attends causally to itself, and to all of an earlier `prefix`.
public struct AttentionSegment: Sendable, Equatable {
    /// The rows that ask.
    public var rows: Range<Int>
    /// Earlier rows that all of them see; empty where there are none.
    public var prefix: Range<Int>

    /// A run of rows and its prefix.
    public init(rows: Range<Int>, prefix: Range<Int> = 0..<0) {
        self.rows = rows
        self.prefix = prefix
    }
}

/// Log-probabilities of given tokens, with what is read off the same pass over the vocabulary.
public struct TokenLogps {
    /// Log-probabilities `[n]`, with gradient.
    public let logps: Tensor
    /// `[n, 3]`, no gradient: entropy in nats, mean logit, and 1 where the token was the most likely one.
    public let statistics: Tensor

    /// Log-probabilities that come from elsewhere.
    public init(logps: Tensor, statistics: Tensor) {
        self.logps = logps
        self.statistics = statistics
    }
}

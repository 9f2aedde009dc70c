// The operators that there are kernels for, and the one place that says whose kernels serve a tensor.
#pragma once

#include "internal.h"

#include <vector>

namespace ctorch {

using Segments = std::vector<ct_segment>;

struct TokenLogps {
    at::Tensor logps, statistics;
};

struct CacheShape {
    int64_t slots, heads, capacity, channels;
};

/// Keys and values of past tokens, laid out as the kernels that made it read them.
struct Cache {
    /// With the capacity that there is, which may be more than was asked for.
    CacheShape shape;
    at::Tensor keys, values;
};

/// A weight that takes no gradient: numbers, or whole numbers of 8 bits `[outputs, inputs]` with a scale for each row.
struct FrozenWeight {
    at::Tensor values, scales;
    bool transposed;
};

/// Two thin matrices whose product is added to a weight: `down [rank, inputs]`, `up [outputs, rank]`; undefined for none.
struct LowRank {
    at::Tensor down, up;
    double scale;

    bool applies() const { return down.defined(); }
};

/// Which inputs of the thin matrices are left out: those whose noise, of a row's stream, lies below `share`.
struct Dropout {
    /// `[rows]` (int64); undefined where nothing is left out.
    at::Tensor streams;
    double share;

    bool applies() const { return streams.defined() && share > 0; }
};

struct SampledRows {
    int64_t *tokens;
    float *logps;
};

/// Where the noise of each row comes from, and which rows suppress tokens.
struct SampledStreams {
    const uint64_t *keys, *counters;
    const uint8_t *suppresses;
};

/// How many elements have their squares summed together.
constexpr int64_t square_block = 65536;

/// A set of kernels. What the operators compute is said in ctorch.h; shapes have been checked there.
struct Kernels {
    virtual ~Kernels() = default;

    /// `bias` may be undefined.
    virtual at::Tensor linear(
        const at::Tensor &input, const at::Tensor &weight, const at::Tensor &bias, bool transposed) const = 0;
    /// `linear` by a frozen weight, plus `scale` x `input` x downᵀ x upᵀ.
    virtual at::Tensor linear_frozen(
        const at::Tensor &input, const FrozenWeight &, const at::Tensor &bias, const LowRank &,
        const Dropout &) const = 0;
    /// The numbers `[outputs, inputs]` that a quantized weight stands for.
    virtual at::Tensor dequantized(const FrozenWeight &, at::ScalarType) const = 0;
    virtual at::Tensor rms_norm(const at::Tensor &input, const at::Tensor &weight, double epsilon) const = 0;
    virtual at::Tensor rotary(const at::Tensor &input, const at::Tensor &cosine, const at::Tensor &sine) const = 0;
    virtual at::Tensor silu_gate(const at::Tensor &gate, const at::Tensor &up) const = 0;
    virtual at::Tensor gelu_gate(const at::Tensor &gate, const at::Tensor &up) const = 0;
    /// `sinks` may be undefined.
    virtual at::Tensor segment_attention(
        const at::Tensor &query, const at::Tensor &key, const at::Tensor &value, const at::Tensor &sinks,
        const Segments &segments, const ct_attention &) const = 0;
    virtual TokenLogps linear_logps(
        const at::Tensor &hidden, const at::Tensor &weight, const at::Tensor &targets,
        const ct_logit_shape &) const = 0;

    virtual double norm(const at::Tensor &input) const = 0;
    /// The sums of the squares of blocks of `square_block` elements, each by itself.
    virtual std::vector<double> square_sums(const at::Tensor &input) const = 0;
    virtual uint64_t checksum(const at::Tensor &input) const = 0;

    /// Copies of weights `[outputs, inputs]` that `linear_packed` of the same kernels reads.
    virtual std::vector<at::Tensor> pack(const std::vector<at::Tensor> &weights) const = 0;
    virtual at::Tensor linear_packed(
        const at::Tensor &input, const at::Tensor &packed, int64_t outputs, const at::Tensor &bias) const = 0;

    /// `linear_packed` without bias whose sums are not rounded to the input's type.
    virtual at::Tensor logits(const at::Tensor &input, const at::Tensor &packed, int64_t outputs) const {
        return linear_packed(input, packed, outputs, {});
    }

    virtual Cache empty_cache(const CacheShape &shape, const at::TensorOptions &options) const = 0;
    /// What `empty_cache` takes, with elements of `size` bytes.
    virtual int64_t cache_bytes(const CacheShape &shape, int64_t size) const = 0;
    virtual void cache_write(
        const Cache &cache, const at::Tensor &key, const at::Tensor &value, const int64_t *slots,
        const int64_t *positions) const = 0;
    virtual void cache_copy(const Cache &cache, int64_t source, int64_t target, int64_t count) const = 0;
    /// `sinks` may be undefined.
    virtual at::Tensor cache_attention(
        const at::Tensor &query, const Cache &cache, const at::Tensor &sinks, const int64_t *slots,
        const int64_t *lengths, const ct_attention &) const = 0;
    virtual void sample(
        const at::Tensor &logits, const ct_sampling &options, const SampledStreams &streams,
        const SampledRows &out) const = 0;
};

/// Whose kernels serve elements of this type on this device: those written by hand on the CPU in float32 and those for CUDA on
/// a card, unless others are asked for, and those composed of LibTorch's operators everywhere else.
const Kernels &kernels_for(const c10::Device &device, at::ScalarType type);

inline const Kernels &kernels_for(const at::Tensor &tensor) {
    return kernels_for(tensor.device(), tensor.scalar_type());
}

/// While it lives, this thread's kernels are those asked for by `choice`.
class KernelsGuard {
public:
    explicit KernelsGuard(ct_kernels choice) : before(ct_set_kernels(choice)) {}
    ~KernelsGuard() { ct_set_kernels(before); }
    KernelsGuard(const KernelsGuard &) = delete;

private:
    ct_kernels before;
};

}  // namespace ctorch

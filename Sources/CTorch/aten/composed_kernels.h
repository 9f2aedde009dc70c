// Operators composed of LibTorch's own: for every device and type, and what the kernels written by hand are held against.
// Sums, softmax and logarithms of half-precision numbers are computed in float32.
#pragma once

#include "../kernels.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/tanh.h>

namespace ctorch::aten {

struct ComposedKernels : Kernels {
    at::Tensor linear(const at::Tensor &, const at::Tensor &, const at::Tensor &, bool transposed) const override;
    at::Tensor linear_frozen(
        const at::Tensor &, const FrozenWeight &, const at::Tensor &bias, const LowRank &,
        const Dropout &) const override;
    at::Tensor dequantized(const FrozenWeight &, at::ScalarType) const override;
    at::Tensor rms_norm(const at::Tensor &, const at::Tensor &, double epsilon) const override;
    at::Tensor rotary(const at::Tensor &, const at::Tensor &cosine, const at::Tensor &sine) const override;
    at::Tensor silu_gate(const at::Tensor &gate, const at::Tensor &up) const override;
    at::Tensor gelu_gate(const at::Tensor &gate, const at::Tensor &up) const override;
    at::Tensor segment_attention(
        const at::Tensor &query, const at::Tensor &key, const at::Tensor &value, const at::Tensor &sinks,
        const Segments &, const ct_attention &) const override;
    TokenLogps linear_logps(
        const at::Tensor &hidden, const at::Tensor &weight, const at::Tensor &targets,
        const ct_logit_shape &) const override;
    double norm(const at::Tensor &) const override;
    std::vector<double> square_sums(const at::Tensor &) const override;
    uint64_t checksum(const at::Tensor &) const override;
    std::vector<at::Tensor> pack(const std::vector<at::Tensor> &weights) const override;
    at::Tensor linear_packed(
        const at::Tensor &, const at::Tensor &packed, int64_t outputs, const at::Tensor &bias) const override;
    at::Tensor logits(const at::Tensor &, const at::Tensor &packed, int64_t outputs) const override;
    Cache empty_cache(const CacheShape &, const at::TensorOptions &) const override;
    int64_t cache_bytes(const CacheShape &, int64_t size) const override;
    void cache_write(
        const Cache &, const at::Tensor &key, const at::Tensor &value, const int64_t *slots,
        const int64_t *positions) const override;
    void cache_copy(const Cache &, int64_t source, int64_t target, int64_t count) const override;
    at::Tensor cache_attention(
        const at::Tensor &query, const Cache &, const at::Tensor &sinks, const int64_t *slots, const int64_t *lengths,
        const ct_attention &) const override;
    void sample(
        const at::Tensor &logits, const ct_sampling &, const SampledStreams &, const SampledRows &out) const override;
};

/// The type that sums over elements of `type` are computed in.
inline at::ScalarType compute_type(at::ScalarType type) {
    return type == at::kHalf || type == at::kBFloat16 ? at::kFloat : type;
}

/// `cap tanh(x / cap)`; x where there is no cap.
inline at::Tensor capped(const at::Tensor &x, double cap) { return cap == 0 ? x : at::tanh(x / cap) * cap; }

/// The slope of that at a capped value.
inline at::Tensor cap_slope(const at::Tensor &value, double cap) { return 1 - (value / cap).square(); }

/// The matrix product of half-precision factors without its rounding to their type.
inline at::Tensor wide_product(const at::Tensor &left, const at::Tensor &right) {
    const auto type = compute_type(left.scalar_type());
    if (left.is_cuda() && type != left.scalar_type()) return at::mm(left, right, type);
    return at::mm(left.to(type), right.to(type));
}

}  // namespace ctorch::aten

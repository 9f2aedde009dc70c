// Kernels written by hand, for float32 on the CPU.
#pragma once

#include "../kernels.h"

namespace ctorch::cpu {

struct CPUKernels final : Kernels {
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

}  // namespace ctorch::cpu

// The composed operators, and in their place what LibTorch has better ones for on a card of NVIDIA's: attention that never
// holds a matrix of scores, norms in one kernel, and fewer passes over logits.
#pragma once

#include "../aten/composed_kernels.h"

#include <ATen/Context.h>
#include <ATen/ops/empty.h>
#include <algorithm>

namespace ctorch::cuda {

struct CUDAKernels final : aten::ComposedKernels {
    at::Tensor rms_norm(const at::Tensor &, const at::Tensor &, double epsilon) const override;
    at::Tensor rotary(const at::Tensor &, const at::Tensor &cosine, const at::Tensor &sine) const override;
    at::Tensor silu_gate(const at::Tensor &gate, const at::Tensor &up) const override;
    at::Tensor segment_attention(
        const at::Tensor &query, const at::Tensor &key, const at::Tensor &value, const at::Tensor &sinks,
        const Segments &, const ct_attention &) const override;
    TokenLogps linear_logps(
        const at::Tensor &hidden, const at::Tensor &weight, const at::Tensor &targets,
        const ct_logit_shape &) const override;
    void cache_write(
        const Cache &, const at::Tensor &key, const at::Tensor &value, const int64_t *slots,
        const int64_t *positions) const override;
    at::Tensor cache_attention(
        const at::Tensor &query, const Cache &, const at::Tensor &sinks, const int64_t *slots, const int64_t *lengths,
        const ct_attention &) const override;
    void sample(
        const at::Tensor &logits, const ct_sampling &, const SampledStreams &, const SampledRows &out) const override;
};

/// While it lives, operators need not be those that LibTorch vouches for as deterministic: for what has one result anyway.
class FreeOrder {
public:
    FreeOrder() : before(at::globalContext().deterministicAlgorithms()) { set(false); }
    ~FreeOrder() { set(before); }
    FreeOrder(const FreeOrder &) = delete;

private:
    static void set(bool deterministic) { at::globalContext().setDeterministicAlgorithms(deterministic, false); }

    bool before;
};

/// A copy of the host's numbers on a device.
inline at::Tensor on_device(const std::vector<int64_t> &numbers, at::ScalarType type, const c10::Device &device) {
    const auto count = static_cast<int64_t>(numbers.size());
    auto host = at::empty({count}, at::TensorOptions().dtype(at::kLong));
    std::copy(numbers.begin(), numbers.end(), host.mutable_data_ptr<int64_t>());
    return host.to(type).to(device);
}

/// Numbers on a device that many operators behind each other ask for.
class RecentNumbers {
public:
    explicit RecentNumbers(at::ScalarType type) : type(type) {}

    const at::Tensor &operator()(const std::vector<int64_t> &numbers, const c10::Device &device) {
        if (!tensor.defined() || tensor.device() != device || numbers != known) {
            tensor = on_device(numbers, type, device);
            known = numbers;
        }
        return tensor;
    }

private:
    at::ScalarType type;
    std::vector<int64_t> known;
    at::Tensor tensor;
};

}  // namespace ctorch::cuda

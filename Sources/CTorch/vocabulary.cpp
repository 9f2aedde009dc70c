#include "differentiable.h"
#include "kernels.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/zeros_like.h>

namespace ctorch {

namespace {

/// How many logits are held at once.
constexpr int64_t chunk_elements = int64_t(1) << 23;

CT_KERNEL void row_logp(
    const float *logits, int64_t vocabulary, int64_t target, float *logp, Normalizer *normalizer,
    float *statistics) {
    const float largest = maximum(logits, vocabulary);
    float sum = 0, weighted = 0, total = 0;
    {
#pragma clang fp reassociate(on) contract(fast)
        for (int64_t i = 0; i < vocabulary; i++) {
            const float shifted = logits[i] - largest, e = fast_exp(shifted);
            sum += e;
            weighted += e * shifted;
            total += logits[i];
        }
    }
    const float log_of_sum = std::log(sum);
    *normalizer = {largest, 1.0f / sum};
    *logp = logits[target] - largest - log_of_sum;
    statistics[0] = log_of_sum - weighted / sum;
    statistics[1] = total / static_cast<float>(vocabulary);
    statistics[2] = logits[target] == largest ? 1.0f : 0.0f;
}

/// Logits become the loss's gradient with respect to them.
CT_KERNEL void row_gradient(
    float *logits, int64_t vocabulary, int64_t target, const Normalizer &normalizer, float gradient) {
    const float factor = -gradient * normalizer.factor;
    for (int64_t i = 0; i < vocabulary; i++) logits[i] = fast_exp(logits[i] - normalizer.largest) * factor;
    logits[target] += gradient;
}

/// Runs `body(first, logits of rows first...)` over all chunks.
template <typename Body>
void each_chunk(const at::Tensor &hidden, const at::Tensor &weight, double temperature, Body &&body) {
    const int64_t rows = hidden.size(0), vocabulary = weight.size(0);
    const int64_t most = std::max<int64_t>(16, chunk_elements / vocabulary);
    const int64_t chunks = std::max<int64_t>(1, (rows + most - 1) / most), size = (rows + chunks - 1) / chunks;
    const auto buffer = at::empty({std::min(rows, size), vocabulary}, hidden.options());
    for (int64_t first = 0; first < rows; first += size) {
        const int64_t count = std::min(size, rows - first);
        auto logits = buffer.narrow(0, 0, count);
        at::mm_out(logits, hidden.narrow(0, first, count), weight.t());
        if (temperature != 1) logits.mul_(1 / temperature);
        body(first, logits);
    }
}

Tensors backward(double temperature, const Tensors &saved, const at::Tensor &incoming) {
    const auto &hidden = saved[0], &weight = saved[1], &targets = saved[2], &normalizers = saved[3];
    const auto gradient = incoming.div(temperature);
    const int64_t vocabulary = weight.size(0);
    const int64_t *target = targets.const_data_ptr<int64_t>();
    auto dhidden = at::empty_like(hidden), dweight = at::zeros_like(weight);
    each_chunk(hidden, weight, temperature, [&](int64_t first, at::Tensor &logits) {
        const int64_t count = logits.size(0);
        parallel_rows(count, 4, [&](int64_t from, int64_t to) {
            for (int64_t row = from; row < to; row++) {
                row_gradient(
                    mutable_floats(logits) + row * vocabulary, vocabulary, target[first + row],
                    reinterpret_cast<const Normalizer *>(floats(normalizers))[first + row],
                    floats(gradient)[first + row]);
            }
        });
        auto rows = dhidden.narrow(0, first, count);
        at::mm_out(rows, logits, weight);
        dweight.addmm_(logits.t(), hidden.narrow(0, first, count));
    });
    return {dhidden, dweight};
}

Computed linear_logps(
    const at::Tensor &hidden_input, const at::Tensor &weight_input, const at::Tensor &targets, double temperature) {
    const auto hidden = hidden_input.contiguous(), weight = weight_input.contiguous();
    const int64_t rows = hidden.size(0), vocabulary = weight.size(0);
    auto logps = at::empty({rows}, hidden.options()), normalizers = at::empty({rows, 2}, hidden.options());
    auto statistics = at::empty({rows, 3}, hidden.options());
    const int64_t *target = targets.const_data_ptr<int64_t>();
    each_chunk(hidden, weight, temperature, [&](int64_t first, const at::Tensor &logits) {
        parallel_rows(logits.size(0), 4, [&](int64_t from, int64_t to) {
            for (int64_t row = from; row < to; row++) {
                row_logp(
                    floats(logits) + row * vocabulary, vocabulary, target[first + row],
                    mutable_floats(logps) + first + row, reinterpret_cast<Normalizer *>(mutable_floats(normalizers)) + first + row,
                    mutable_floats(statistics) + 3 * (first + row));
            }
        });
    });
    return {
        {logps, statistics}, {hidden, weight, targets, normalizers},
        [temperature](const Tensors &saved, const at::Tensor &gradient) {
            return backward(temperature, saved, gradient);
        }};
}

}  // namespace

}  // namespace ctorch

ct_status ct_linear_logps(
    const ct_tensor *hidden, const ct_tensor *weight, const ct_tensor *targets, double temperature, ct_tensor **logps,
    ct_tensor **statistics) {
    using namespace ctorch;
    return guarded([&] {
        const auto &h = hidden->value, &w = weight->value;
        const auto t = targets->value.contiguous();
        TORCH_CHECK(
            h.dim() == 2 && w.dim() == 2 && h.size(1) == w.size(1) && t.dim() == 1 && t.size(0) == h.size(0)
                && t.scalar_type() == at::kLong && h.scalar_type() == at::kFloat && w.scalar_type() == at::kFloat,
            "log-probabilities of ", t.sizes(), " targets from ", h.sizes(), " and a vocabulary of ", w.sizes());
        if (t.numel() > 0) {
            const auto low = t.min().item<int64_t>(), high = t.max().item<int64_t>();
            TORCH_CHECK(low >= 0 && high < w.size(0), "targets ", low, " to ", high, " in a vocabulary of ", w.size(0));
        }
        const auto results = differentiable({h, w}, [&] { return linear_logps(h, w, t, temperature); });
        auto first = std::make_unique<ct_tensor>(ct_tensor{results[0]});
        *statistics = new ct_tensor{results[1]};
        *logps = first.release();
    });
}

// Products by a frozen weight and two thin matrices beside it.
#include "../differentiable.h"
#include "../dropout.h"
#include "cpu_kernels.h"
#include "products.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/mm.h>

namespace ctorch::cpu {

namespace {

CT_KERNEL void drop_row(
    const float *from, int64_t count, uint64_t stream, uint64_t threshold, float factor, bool adds, float *to) {
    for (int64_t i = 0; i < count; i++) {
        const uint64_t noise = dropout_noise(stream, i) >> (64 - dropout_bits);
        const float kept = noise < threshold ? 0.0f : from[i] * factor;
        to[i] = adds ? to[i] + kept : kept;
    }
}

/// Writes or adds `from [rows, inputs]` without what is left out.
void drop(const at::Tensor &from, const Dropout &dropout, bool adds, at::Tensor &to) {
    const int64_t inputs = from.size(1);
    const auto threshold = static_cast<uint64_t>(dropout_threshold(dropout.share));
    const auto factor = static_cast<float>(1 / (1 - dropout.share));
    const int64_t *streams = dropout.streams.const_data_ptr<int64_t>();
    parallel_rows(from.size(0), 16, [&](int64_t first, int64_t last) {
        for (int64_t row = first; row < last; row++) {
            drop_row(
                floats(from) + row * inputs, inputs, static_cast<uint64_t>(streams[row]), threshold, factor, adds,
                mutable_floats(to) + row * inputs);
        }
    });
}

at::Tensor dropped(const at::Tensor &x, const Dropout &dropout) {
    if (!dropout.applies()) return x;
    auto out = at::empty_like(x);
    drop(x, dropout, false, out);
    return out;
}

at::Tensor times(const at::Tensor &x, const Factor &factor) {
    auto out = at::empty({x.size(0), factor.outputs}, x.options());
    product(floats(x), x.size(0), factor, mutable_floats(out));
    return out;
}

/// With h = s x downᵀ: `y = x weightᵀ + h upᵀ`.
Computed product_of(
    const at::Tensor &input, const at::Tensor &matrix, const at::Tensor &bias, bool transposed, const LowRank &added,
    const Dropout &dropout) {
    const auto x = checked(input, 2, "input"), w = checked(matrix, 2, "weight");
    const auto down = checked(added.down, 2, "down"), up = checked(added.up, 2, "up");
    const auto weight = transposed ? Factor::columns(w) : Factor::rows(w);
    at::Tensor start;
    if (bias.defined()) start = checked(bias, 1, "bias");
    auto out = at::empty({x.size(0), weight.outputs}, x.options());
    product(floats(x), x.size(0), weight, mutable_floats(out), {bias.defined() ? floats(start) : nullptr});
    const double scale = added.scale;
    const auto h = times(dropped(x, dropout), Factor::rows(down)).mul_(scale);
    product(floats(h), x.size(0), Factor::rows(up), mutable_floats(out), {.adds = true});
    const bool passes = input.requires_grad();
    return {{out}, {x, w, down, up, h}, [=](const Tensors &saved, const at::Tensor &gradient) -> Tensors {
        const auto &x = saved[0], &w = saved[1], &down = saved[2], &up = saved[3], &h = saved[4];
        const auto dh = times(gradient, Factor::columns(up)).mul_(scale);
        at::Tensor dx;
        if (passes) {
            dx = times(gradient, transposed ? Factor::rows(w) : Factor::columns(w));
            if (dropout.applies()) {
                drop(times(dh, Factor::columns(down)), dropout, true, dx);
            } else {
                product(floats(dh), dh.size(0), Factor::columns(down), mutable_floats(dx), {.adds = true});
            }
        }
        return {dx, at::mm(dh.t(), dropped(x, dropout)), at::mm(gradient.t(), h)};
    }};
}

}  // namespace

at::Tensor CPUKernels::linear_low_rank(
    const at::Tensor &input, const at::Tensor &weight, const at::Tensor &bias, bool transposed, const LowRank &added,
    const Dropout &dropout) const {
    return differentiable({input, added.down, added.up}, [&] {
        return product_of(input, weight, bias, transposed, added, dropout);
    })[0];
}

}  // namespace ctorch::cpu

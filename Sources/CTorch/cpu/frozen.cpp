// Products by a frozen weight, which may be quantized, and two thin matrices beside it.
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

CT_KERNEL void scale_row(const int8_t *from, int64_t count, float scale, float *to) {
    for (int64_t i = 0; i < count; i++) to[i] = static_cast<float>(from[i]) * scale;
}

at::Tensor numbers(const at::Tensor &values, const at::Tensor &scales) {
    auto out = at::empty(values.sizes(), scales.options());
    const int64_t inputs = values.size(1);
    const int8_t *from = values.const_data_ptr<int8_t>();
    parallel_rows(values.size(0), 16, [&](int64_t first, int64_t last) {
        for (int64_t row = first; row < last; row++) {
            scale_row(from + row * inputs, inputs, floats(scales)[row], mutable_floats(out) + row * inputs);
        }
    });
    return out;
}

/// Where the numbers of a weight are; those of a quantized one only as long as this lives.
struct Held {
    at::Tensor matrix;
    bool transposed;

    Held(const at::Tensor &values, const at::Tensor &scales, bool transposed)
        : matrix(scales.defined() ? numbers(values, scales) : values), transposed(transposed) {}

    Factor forward() const { return transposed ? Factor::columns(matrix) : Factor::rows(matrix); }
    Factor backward() const { return transposed ? Factor::rows(matrix) : Factor::columns(matrix); }
};

/// With h = s x downᵀ: `y = x weightᵀ + h upᵀ`.
Computed product_of(
    const at::Tensor &input, const FrozenWeight &weight, const at::Tensor &bias, const LowRank &added,
    const Dropout &dropout) {
    const auto x = checked(input, 2, "input");
    const bool transposed = weight.transposed, adds = added.applies(), passes = input.requires_grad();
    const auto values = weight.scales.defined() ? weight.values.contiguous() : checked(weight.values, 2, "weight");
    const int64_t outputs = values.size(transposed ? 1 : 0);
    at::Tensor start, down, up, h;
    if (bias.defined()) start = checked(bias, 1, "bias");
    auto out = at::empty({x.size(0), outputs}, x.options());
    product(
        floats(x), x.size(0), Held(values, weight.scales, transposed).forward(), mutable_floats(out),
        {bias.defined() ? floats(start) : nullptr});
    const double scale = added.scale;
    if (adds) {
        (down = checked(added.down, 2, "down"), up = checked(added.up, 2, "up"));
        h = times(dropped(x, dropout), Factor::rows(down)).mul_(scale);
        product(floats(h), x.size(0), Factor::rows(up), mutable_floats(out), {.adds = true});
    }
    // Without thin matrices no input is needed again.
    return {
        {out}, {adds ? x : at::Tensor(), values, weight.scales, down, up, h},
        [=](const Tensors &saved, const at::Tensor &gradient) -> Tensors {
            const auto &x = saved[0], &down = saved[3], &up = saved[4], &h = saved[5];
            at::Tensor dx, dh;
            if (passes) dx = times(gradient, Held(saved[1], saved[2], transposed).backward());
            if (!adds) return {dx};
            dh = times(gradient, Factor::columns(up)).mul_(scale);
            if (passes && dropout.applies()) {
                drop(times(dh, Factor::columns(down)), dropout, true, dx);
            } else if (passes) {
                product(floats(dh), dh.size(0), Factor::columns(down), mutable_floats(dx), {.adds = true});
            }
            return {dx, at::mm(dh.t(), dropped(x, dropout)), at::mm(gradient.t(), h)};
        }};
}

}  // namespace

at::Tensor CPUKernels::linear_frozen(
    const at::Tensor &input, const FrozenWeight &weight, const at::Tensor &bias, const LowRank &added,
    const Dropout &dropout) const {
    Tensors inputs = {input};
    if (added.applies()) inputs.insert(inputs.end(), {added.down, added.up});
    return differentiable(inputs, [&] { return product_of(input, weight, bias, added, dropout); })[0];
}

at::Tensor CPUKernels::dequantized(const FrozenWeight &weight, at::ScalarType) const {
    return numbers(weight.values.contiguous(), weight.scales);
}

}  // namespace ctorch::cpu

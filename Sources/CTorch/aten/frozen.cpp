#include "../differentiable.h"
#include "../dropout.h"
#include "composed_kernels.h"

#include <ATen/ops/arange.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/mm.h>

namespace ctorch::aten {

namespace {

/// `x` shifted right by `count` as an unsigned number.
at::Tensor shifted(const at::Tensor &x, int64_t count) {
    return x.__rshift__(count).bitwise_and((int64_t(1) << (64 - count)) - 1);
}

at::Tensor mixed(const at::Tensor &bits, int64_t count, uint64_t factor) {
    return bits.bitwise_xor(shifted(bits, count)).mul(static_cast<int64_t>(factor));
}

/// 1 where an input stays, grown by those that do not: as `dropout_noise` says.
at::Tensor mask(const Dropout &dropout, const at::Tensor &like) {
    const auto places = at::arange(1, like.size(1) + 1, dropout.streams.options());
    auto bits = dropout.streams.unsqueeze(1) + places.mul(static_cast<int64_t>(0x9e3779b97f4a7c15)).unsqueeze(0);
    bits = mixed(mixed(bits, 30, 0xbf58476d1ce4e5b9), 27, 0x94d049bb133111eb);
    const auto noise = shifted(bits.bitwise_xor(shifted(bits, 31)), 64 - dropout_bits);
    return noise.ge(dropout_threshold(dropout.share)).to(like.scalar_type()).div(1 - dropout.share);
}

/// Rounded once, as a copy is that is made of them to decode.
at::Tensor numbers(const at::Tensor &values, const at::Tensor &scales, at::ScalarType type) {
    return values.to(at::kFloat).mul_(scales.unsqueeze(1)).to(type);
}

/// By numbers that are there only in a pass.
Computed quantized_product(const at::Tensor &input, const FrozenWeight &weight, const at::Tensor &bias) {
    const auto type = input.scalar_type();
    const auto w = numbers(weight.values, weight.scales, type);
    return {
        {at::linear(input, w, bias.defined() ? bias.to(type) : bias)}, {weight.values, weight.scales},
        [type](const Tensors &saved, const at::Tensor &gradient) -> Tensors {
            return {at::mm(gradient, numbers(saved[0], saved[1], type))};
        }};
}

}  // namespace

at::Tensor ComposedKernels::linear_frozen(
    const at::Tensor &input, const FrozenWeight &weight, const at::Tensor &bias, const LowRank &added,
    const Dropout &dropout) const {
    const auto type = input.scalar_type();
    const auto whole = weight.scales.defined()
        ? differentiable({input}, [&] { return quantized_product(input, weight, bias); })[0]
        : linear(input, weight.values, bias, weight.transposed);
    if (!added.applies()) return whole;
    const auto x = dropout.applies() ? input * mask(dropout, input) : input;
    const auto h = at::linear(x, added.down.to(type)) * added.scale;
    return whole + at::linear(h, added.up.to(type));
}

at::Tensor ComposedKernels::dequantized(const FrozenWeight &weight, at::ScalarType type) const {
    return numbers(weight.values, weight.scales, type);
}

}  // namespace ctorch::aten

// The operators that a decoder is made of: their shapes are checked, and their kernels chosen.
#include "kernels.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <memory>

namespace ctorch {

namespace {

/// Whether a weight of type `weight` applies to numbers of type `input`.
bool fits(at::ScalarType weight, at::ScalarType input) {
    return weight == input || (weight == at::kFloat && (input == at::kBFloat16 || input == at::kHalf));
}

void check(
    const at::Tensor &q, const at::Tensor &k, const at::Tensor &v, const at::Tensor &sinks, const Segments &segments) {
    TORCH_CHECK(
        q.dim() == 3 && k.dim() == 3 && k.sizes() == v.sizes() && k.size(0) == q.size(0) && k.size(2) == q.size(2)
            && q.size(1) % k.size(1) == 0,
        "attention of ", q.sizes(), " over ", k.sizes(), " and ", v.sizes());
    TORCH_CHECK(
        !sinks.defined()
            || (sinks.sizes() == at::IntArrayRef({q.size(1)}) && fits(sinks.scalar_type(), q.scalar_type())),
        "attention of ", q.sizes(), " with sinks ", sinks.sizes());
    int64_t end = 0;
    for (const auto &s : segments) {
        // In order and apart from each other, so that threads can share them without sharing a gradient.
        TORCH_CHECK(
            s.count > 0 && s.start >= end && s.start + s.count <= q.size(0) && s.prefix_start >= 0
                && s.prefix_count >= 0 && s.prefix_start + s.prefix_count <= s.start,
            "segment ", s.start, "+", s.count, " after ", s.prefix_start, "+", s.prefix_count, " in ", q.size(0), " rows");
        end = s.start + s.count;
    }
}

void check_gate(const at::Tensor &gate, const at::Tensor &up) {
    TORCH_CHECK(
        gate.sizes() == up.sizes() && gate.scalar_type() == up.scalar_type(), "a gate of ", gate.sizes(), " over ",
        up.sizes());
}

void check_linear(const at::Tensor &input, const at::Tensor &weight, const ct_tensor *bias, bool transposed) {
    TORCH_CHECK(
        input.dim() == 2 && weight.dim() == 2 && weight.size(transposed ? 0 : 1) == input.size(1)
            && fits(weight.scalar_type(), input.scalar_type()),
        "input ", input.sizes(), " by a weight of ", weight.sizes());
    const int64_t outputs = weight.size(transposed ? 1 : 0);
    TORCH_CHECK(
        !bias || bias->value.sizes() == at::IntArrayRef({outputs}), "a bias of ", bias->value.sizes(), " for ", outputs,
        " outputs");
}

at::Tensor linear(const at::Tensor &input, const at::Tensor &weight, const ct_tensor *bias, bool transposed) {
    check_linear(input, weight, bias, transposed);
    return kernels_for(input).linear(input, weight, optional(bias), transposed);
}

}  // namespace

}  // namespace ctorch

using namespace ctorch;

ct_status ct_linear(const ct_tensor *input, const ct_tensor *weight, const ct_tensor *bias, ct_tensor **out) {
    return returning(out, [&] { return linear(input->value, weight->value, bias, false); });
}

ct_status ct_linear_transposed(
    const ct_tensor *input, const ct_tensor *weight, const ct_tensor *bias, ct_tensor **out) {
    return returning(out, [&] { return linear(input->value, weight->value, bias, true); });
}

ct_status ct_linear_frozen(
    const ct_tensor *input, ct_frozen_weight weight, const ct_tensor *bias, ct_low_rank added, ct_tensor **out) {
    return returning(out, [&] {
        const auto &x = input->value;
        const FrozenWeight w{weight.values->value, optional(weight.scales), weight.transposed};
        const auto &values = w.values;
        TORCH_CHECK(
            x.dim() == 2 && values.dim() == 2 && values.size(w.transposed ? 0 : 1) == x.size(1)
                && (w.scales.defined()
                        ? values.scalar_type() == at::kChar && !w.transposed
                        : fits(values.scalar_type(), x.scalar_type())),
            "input ", x.sizes(), " by a frozen weight of ", values.sizes());
        TORCH_CHECK(!values.requires_grad(), "a weight that trains is not frozen");
        const int64_t outputs = values.size(w.transposed ? 1 : 0);
        TORCH_CHECK(
            !bias || bias->value.sizes() == at::IntArrayRef({outputs}), "a bias for ", outputs, " outputs");
        const LowRank thin{optional(added.down), optional(added.up), added.scale};
        const auto &down = thin.down, &up = thin.up;
        TORCH_CHECK(
            !thin.applies()
                || (down.dim() == 2 && up.dim() == 2 && down.size(0) == up.size(1) && down.size(1) == x.size(1)
                    && up.size(0) == outputs && fits(down.scalar_type(), x.scalar_type())
                    && down.scalar_type() == up.scalar_type()),
            "thin matrices beside a weight of ", values.sizes());
        const Dropout dropout{optional(added.streams), added.dropout};
        TORCH_CHECK(
            !dropout.applies()
                || (dropout.streams.sizes() == at::IntArrayRef({x.size(0)}) && dropout.streams.scalar_type() == at::kLong
                    && dropout.share < 1),
            "dropout of ", dropout.share, " by streams of ", dropout.streams.sizes(), " for ", x.size(0), " rows");
        return kernels_for(x).linear_frozen(x, w, optional(bias), thin, dropout);
    });
}

ct_status ct_quantize(const ct_tensor *matrix, ct_tensor **values, ct_tensor **scales) {
    return guarded([&] {
        at::NoGradGuard no_gradient;
        const auto wide = matrix->value.to(at::kFloat);
        const auto scale = wide.abs().amax(1).div(127);
        // A row of zeros has any scale.
        const auto divisor = scale.masked_fill(scale.eq(0), 1).unsqueeze(1);
        auto whole = std::make_unique<ct_tensor>(ct_tensor{wide.div(divisor).round().to(at::kChar)});
        *scales = new ct_tensor{scale};
        *values = whole.release();
    });
}

ct_status ct_dequantize(const ct_tensor *values, const ct_tensor *scales, ct_scalar_type type, ct_tensor **out) {
    return returning(out, [&] {
        const auto wanted = static_cast<at::ScalarType>(type);
        return kernels_for(values->value.device(), wanted).dequantized({values->value, scales->value, false}, wanted);
    });
}

ct_status ct_rms_norm(const ct_tensor *input, const ct_tensor *weight, double epsilon, ct_tensor **out) {
    return returning(out, [&] {
        const auto &x = input->value, &w = weight->value;
        TORCH_CHECK(
            w.dim() == 1 && x.size(-1) == w.numel() && fits(w.scalar_type(), x.scalar_type()), "RMSNorm over ", x.sizes(),
            " with a weight of ", w.sizes());
        return kernels_for(x).rms_norm(x, w, epsilon);
    });
}

ct_status ct_rotary(const ct_tensor *input, const ct_tensor *cosine, const ct_tensor *sine, ct_tensor **out) {
    return returning(out, [&] {
        const auto &x = input->value, &c = cosine->value, &s = sine->value;
        TORCH_CHECK(
            x.dim() == 3 && c.dim() == 2 && x.size(0) == c.size(0) && c.sizes() == s.sizes()
                && 2 * c.size(1) <= x.size(2),
            "rotary embedding of ", x.sizes(), " by ", c.sizes());
        return kernels_for(x).rotary(x, c, s);
    });
}

ct_status ct_silu_gate(const ct_tensor *gate, const ct_tensor *up, ct_tensor **out) {
    return returning(out, [&] {
        check_gate(gate->value, up->value);
        return kernels_for(gate->value).silu_gate(gate->value, up->value);
    });
}

ct_status ct_gelu_gate(const ct_tensor *gate, const ct_tensor *up, ct_tensor **out) {
    return returning(out, [&] {
        check_gate(gate->value, up->value);
        return kernels_for(gate->value).gelu_gate(gate->value, up->value);
    });
}

ct_status ct_segment_attention(
    const ct_tensor *query, const ct_tensor *key, const ct_tensor *value, const ct_tensor *sinks,
    const ct_segment *segments, size_t count, ct_attention options, ct_tensor **out) {
    return returning(out, [&] {
        const auto &q = query->value, &k = key->value, &v = value->value;
        const auto s = optional(sinks);
        const Segments list(segments, segments + count);
        check(q, k, v, s, list);
        return kernels_for(q).segment_attention(q, k, v, s, list, options);
    });
}

ct_status ct_linear_logps(
    const ct_tensor *hidden, const ct_tensor *weight, const ct_tensor *targets, ct_logit_shape shape, ct_tensor **logps,
    ct_tensor **statistics) {
    return guarded([&] {
        const auto &h = hidden->value, &w = weight->value;
        const auto t = targets->value.contiguous();
        TORCH_CHECK(
            h.dim() == 2 && w.dim() == 2 && h.size(1) == w.size(1) && t.dim() == 1 && t.size(0) == h.size(0)
                && t.scalar_type() == at::kLong && fits(w.scalar_type(), h.scalar_type()),
            "log-probabilities of ", t.sizes(), " targets from ", h.sizes(), " and a vocabulary of ", w.sizes());
        // A card would be waited for; targets that come from the host were looked at there.
        if (t.is_cpu() && t.numel() > 0) {
            const auto low = t.min().item<int64_t>(), high = t.max().item<int64_t>();
            TORCH_CHECK(low >= 0 && high < w.size(0), "targets ", low, " to ", high, " in a vocabulary of ", w.size(0));
        }
        const auto results = kernels_for(h).linear_logps(h, w, t, shape);
        auto first = std::make_unique<ct_tensor>(ct_tensor{results.logps});
        *statistics = new ct_tensor{results.statistics};
        *logps = first.release();
    });
}

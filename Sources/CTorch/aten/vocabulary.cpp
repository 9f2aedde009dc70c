#include "../differentiable.h"
#include "composed_kernels.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/full.h>
#include <ATen/ops/maximum.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>
#include <limits>

namespace ctorch::aten {

namespace {

/// Logits are held for so many rows and tokens at once.
constexpr int64_t block_rows = 4096, slice_tokens = 4096;

/// Where targets lie in a slice of the vocabulary.
struct TargetsInSlice {
    /// Places in the slice, any one for targets outside of it: `[rows, 1]`.
    at::Tensor places;
    /// Which lie in it: `[rows]`.
    at::Tensor inside;

    TargetsInSlice(const at::Tensor &targets, int64_t token, int64_t tokens) {
        const auto local = targets - token;
        inside = local.ge(0).logical_and(local.lt(tokens));
        places = local.clamp(0, tokens - 1).unsqueeze(1);
    }
};

/// The softmax of rows of logits, as far as they were read: `[rows]` each.
struct Sums {
    at::Tensor largest, sum, weighted, total, target;

    Sums(int64_t rows, const at::TensorOptions &options)
        : largest(at::full({rows}, -std::numeric_limits<double>::infinity(), options)), sum(at::zeros({rows}, options)),
          weighted(sum), total(sum), target(sum) {}

    /// Takes in a slice of logits `[rows, tokens]`.
    void read(const at::Tensor &logits, const TargetsInSlice &targets) {
        const auto now = at::maximum(largest, logits.amax(1));
        // Bounded, for the first slice has nothing to be shifted, and 0 times infinity is no number.
        const auto shift = (largest - now).clamp_min(-1e4), factor = shift.exp();
        const auto shifted = logits - now.unsqueeze(1), weights = shifted.exp();
        weighted = (weighted + sum * shift) * factor + (weights * shifted).sum(1);
        sum = sum * factor + weights.sum(1);
        total = total + logits.sum(1);
        target = at::where(targets.inside, logits.gather(1, targets.places).squeeze(1), target);
        largest = now;
    }
};

at::Tensor logits_of(const at::Tensor &hidden, const at::Tensor &weight, const ct_logit_shape &shape) {
    const auto products = wide_product(hidden, weight.to(hidden.scalar_type()).t());
    if (shape.cap == 0) return products.div(shape.divisor * shape.temperature);
    return capped(products.div(shape.divisor), shape.cap).div(shape.temperature);
}

/// Runs `body(first token, tokens)` for each slice of the vocabulary.
template <typename Body>
void each_slice(int64_t vocabulary, Body &&body) {
    for (int64_t token = 0; token < vocabulary; token += slice_tokens) {
        body(token, std::min(slice_tokens, vocabulary - token));
    }
}

/// Runs `body(first row, rows)` for each block of rows.
template <typename Body>
void each_block(int64_t rows, Body &&body) {
    for (int64_t row = 0; row < rows; row += block_rows) body(row, std::min(block_rows, rows - row));
}

/// A frozen vocabulary has no gradient.
Tensors backward(const ct_logit_shape &shape, bool trains, const Tensors &saved, const at::Tensor &incoming) {
    const auto &hidden = saved[0], &weight = saved[1], &targets = saved[2], &largest = saved[3], &sum = saved[4];
    const auto type = compute_type(hidden.scalar_type());
    const auto gradient = incoming.to(type).div(shape.divisor * shape.temperature);
    auto dhidden = at::zeros(hidden.sizes(), hidden.options().dtype(type));
    auto dweight = trains ? at::zeros(weight.sizes(), weight.options().dtype(type)) : at::Tensor();
    each_block(hidden.size(0), [&](int64_t row, int64_t rows) {
        const auto h = hidden.narrow(0, row, rows), g = gradient.narrow(0, row, rows);
        const auto shift = largest.narrow(0, row, rows).unsqueeze(1);
        const auto factor = g.neg().div(sum.narrow(0, row, rows)).unsqueeze(1);
        each_slice(weight.size(0), [&](int64_t token, int64_t tokens) {
            const auto w = weight.narrow(0, token, tokens);
            const TargetsInSlice places(targets.narrow(0, row, rows), token, tokens);
            const auto logits = logits_of(h, w, shape);
            auto dlogits = logits.sub(shift).exp_().mul_(factor);
            dlogits.scatter_add_(1, places.places, at::where(places.inside, g, 0.0).unsqueeze(1));
            if (shape.cap != 0) dlogits.mul_(cap_slope(logits * shape.temperature, shape.cap));
            const auto narrow = dlogits.to(hidden.scalar_type());
            dhidden.narrow(0, row, rows) += wide_product(narrow, w.to(narrow.scalar_type()));
            if (trains) dweight.narrow(0, token, tokens) += wide_product(narrow.t(), h);
        });
    });
    return {dhidden.to(hidden.scalar_type()), dweight};
}

Computed logps(const at::Tensor &hidden, const at::Tensor &weight, const at::Tensor &targets,
    const ct_logit_shape &shape) {
    const auto options = hidden.options().dtype(compute_type(hidden.scalar_type()));
    const int64_t count = hidden.size(0), vocabulary = weight.size(0);
    auto logps = at::empty({count}, options), largest = at::empty({count}, options), sum = at::empty({count}, options);
    auto statistics = at::empty({count, 3}, options);
    each_block(count, [&](int64_t row, int64_t rows) {
        Sums sums(rows, options);
        each_slice(vocabulary, [&](int64_t token, int64_t tokens) {
            sums.read(
                logits_of(hidden.narrow(0, row, rows), weight.narrow(0, token, tokens), shape),
                TargetsInSlice(targets.narrow(0, row, rows), token, tokens));
        });
        const auto log_of_sum = sums.sum.log();
        largest.narrow(0, row, rows).copy_(sums.largest);
        sum.narrow(0, row, rows).copy_(sums.sum);
        logps.narrow(0, row, rows).copy_(sums.target - sums.largest - log_of_sum);
        statistics.narrow(0, row, rows).copy_(at::stack(
            {log_of_sum - sums.weighted / sums.sum, sums.total / static_cast<double>(vocabulary),
             sums.target.eq(sums.largest).to(options.dtype())},
            1));
    });
    return {
        {logps, statistics}, {hidden, weight, targets, largest, sum},
        [shape, trains = weight.requires_grad()](const Tensors &saved, const at::Tensor &gradient) {
            return backward(shape, trains, saved, gradient);
        }};
}

}  // namespace

TokenLogps ComposedKernels::linear_logps(
    const at::Tensor &hidden, const at::Tensor &weight, const at::Tensor &targets,
    const ct_logit_shape &shape) const {
    const auto results = differentiable({hidden, weight}, [&] { return logps(hidden, weight, targets, shape); });
    return {results[0], results[1]};
}

}  // namespace ctorch::aten

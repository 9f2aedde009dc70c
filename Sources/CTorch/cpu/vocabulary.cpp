#include "../differentiable.h"
#include "cpu_kernels.h"
#include "products.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/zeros_like.h>

namespace ctorch::cpu {

namespace {

/// Logits are held for so many rows and tokens at once. A slice of the vocabulary is a fixed one, so that a row's bits do not
/// depend on the rows beside; all rows of a usual micro-batch go through it together, so that the gradient of the weight is
/// written once, and logits stay in the cache.
constexpr int64_t block_rows = 4096, slice_tokens = 2048;

/// How many rows a thread takes at a time.
constexpr int64_t grain = 16;

/// The softmax of a row of logits, as far as it was read.
struct RowSums {
    float largest = 0, sum = 0, weighted = 0, total = 0, target = 0;
};

/// Takes in `logits [count]`; `target` is the target's place among them, if it is there.
CT_KERNEL void row_slice(const float *logits, int64_t count, int64_t target, RowSums *sums) {
    const float best = maximum(logits, count);
    const bool is_first = sums->sum == 0;
    const float largest = is_first || best > sums->largest ? best : sums->largest;
    float sum = 0, weighted = 0, total = 0;
    {
#pragma clang fp reassociate(on) contract(fast)
        for (int64_t i = 0; i < count; i++) {
            const float shifted = logits[i] - largest, e = fast_exp(shifted);
            sum += e;
            weighted += e * shifted;
            total += logits[i];
        }
    }
    if (!is_first) {
        const float shift = sums->largest - largest, factor = fast_exp(shift);
        sum += sums->sum * factor;
        weighted += (sums->weighted + sums->sum * shift) * factor;
        total += sums->total;
    }
    *sums = {largest, sum, weighted, total, target >= 0 && target < count ? logits[target] : sums->target};
}

/// Logits become the loss's gradient with respect to them.
CT_KERNEL void row_gradient(
    float *logits, int64_t count, int64_t target, const Normalizer &normalizer, float gradient) {
    const float factor = -gradient * normalizer.factor;
    for (int64_t i = 0; i < count; i++) logits[i] = fast_exp(logits[i] - normalizer.largest) * factor;
    if (target >= 0 && target < count) logits[target] += gradient;
}

/// The same, times the slope of their cap.
CT_KERNEL void row_gradient_capped(
    float *logits, int64_t count, int64_t target, const Normalizer &normalizer, float gradient,
    const ct_logit_shape &shape) {
    const float factor = -gradient * normalizer.factor, share = static_cast<float>(shape.temperature / shape.cap);
    const float at_target = target >= 0 && target < count ? logits[target] * share : 0;
    for (int64_t i = 0; i < count; i++) {
        const float part = logits[i] * share;
        logits[i] = fast_exp(logits[i] - normalizer.largest) * factor * (1.0f - part * part);
    }
    if (target >= 0 && target < count) logits[target] += gradient * (1.0f - at_target * at_target);
}

/// Products become logits.
CT_KERNEL void cap_logits(float *x, int64_t count, const ct_logit_shape &shape) {
    const auto inner = static_cast<float>(1 / (shape.divisor * shape.cap));
    const auto outer = static_cast<float>(shape.cap / shape.temperature);
    for (int64_t i = 0; i < count; i++) x[i] = fast_tanh(x[i] * inner) * outer;
}

void shape_logits(at::Tensor &logits, const ct_logit_shape &shape) {
    const double divisor = shape.divisor * shape.temperature;
    if (shape.cap == 0) {
        if (divisor != 1) logits.mul_(1 / divisor);
        return;
    }
    const int64_t tokens = logits.size(1);
    parallel_rows(logits.size(0), grain, [&](int64_t from, int64_t to) {
        cap_logits(mutable_floats(logits) + from * tokens, (to - from) * tokens, shape);
    });
}

/// Runs `body(first row, first token, logits [rows, tokens])` over the whole matrix of logits, block by block.
template <typename Body>
void each_block(const at::Tensor &hidden, const at::Tensor &weight, const ct_logit_shape &shape, Body &&body) {
    const int64_t rows = hidden.size(0), vocabulary = weight.size(0);
    const auto buffer = at::empty({std::min(rows, block_rows) * std::min(vocabulary, slice_tokens)}, hidden.options());
    for (int64_t row = 0; row < rows; row += block_rows) {
        const int64_t count = std::min(block_rows, rows - row);
        for (int64_t token = 0; token < vocabulary; token += slice_tokens) {
            const int64_t tokens = std::min(slice_tokens, vocabulary - token);
            auto logits = buffer.narrow(0, 0, count * tokens).view({count, tokens});
            product(
                floats(hidden) + row * hidden.size(1), count, Factor::rows(weight.narrow(0, token, tokens)),
                mutable_floats(logits));
            shape_logits(logits, shape);
            body(row, token, logits);
        }
    }
}

/// A frozen vocabulary has no gradient.
Tensors backward(const ct_logit_shape &shape, bool trains, const Tensors &saved, const at::Tensor &incoming) {
    const auto &hidden = saved[0], &weight = saved[1], &targets = saved[2], &normalizers = saved[3];
    const auto gradient = incoming.div(shape.divisor * shape.temperature);
    const int64_t *target = targets.const_data_ptr<int64_t>();
    auto dhidden = at::empty_like(hidden);
    at::Tensor dweight;
    if (trains) dweight = hidden.size(0) > 0 ? at::empty_like(weight) : at::zeros_like(weight);
    each_block(hidden, weight, shape, [&](int64_t first, int64_t token, at::Tensor &logits) {
        const int64_t count = logits.size(0), tokens = logits.size(1);
        parallel_rows(count, grain, [&](int64_t from, int64_t to) {
            for (int64_t row = from; row < to; row++) {
                float *slice = mutable_floats(logits) + row * tokens;
                const int64_t place = target[first + row] - token;
                const auto &normalizer = reinterpret_cast<const Normalizer *>(floats(normalizers))[first + row];
                const float slope = floats(gradient)[first + row];
                if (shape.cap == 0) {
                    row_gradient(slice, tokens, place, normalizer, slope);
                } else {
                    row_gradient_capped(slice, tokens, place, normalizer, slope, shape);
                }
            }
        });
        product(
            floats(logits), count, Factor::columns(weight.narrow(0, token, tokens)),
            mutable_floats(dhidden) + first * hidden.size(1), {.adds = token > 0});
        if (!trains) return;
        auto slice = dweight.narrow(0, token, tokens);
        if (first > 0) {
            slice.addmm_(logits.t(), hidden.narrow(0, first, count));
        } else {
            at::mm_out(slice, logits.t(), hidden.narrow(0, first, count));
        }
    });
    return {dhidden, dweight};
}

Computed logps(
    const at::Tensor &hidden_input, const at::Tensor &weight_input, const at::Tensor &targets,
    const ct_logit_shape &shape) {
    const auto hidden = hidden_input.contiguous(), weight = weight_input.contiguous();
    const int64_t rows = hidden.size(0);
    const int64_t *target = targets.const_data_ptr<int64_t>();
    std::vector<RowSums> sums(rows);
    each_block(hidden, weight, shape, [&](int64_t first, int64_t token, const at::Tensor &logits) {
        const int64_t tokens = logits.size(1);
        parallel_rows(logits.size(0), grain, [&](int64_t from, int64_t to) {
            for (int64_t row = from; row < to; row++) {
                row_slice(floats(logits) + row * tokens, tokens, target[first + row] - token, &sums[first + row]);
            }
        });
    });
    auto logps = at::empty({rows}, hidden.options()), normalizers = at::empty({rows, 2}, hidden.options());
    auto statistics = at::empty({rows, 3}, hidden.options());
    for (int64_t row = 0; row < rows; row++) {
        const auto &read = sums[row];
        const float log_of_sum = std::log(read.sum);
        reinterpret_cast<Normalizer *>(mutable_floats(normalizers))[row] = {read.largest, 1.0f / read.sum};
        mutable_floats(logps)[row] = read.target - read.largest - log_of_sum;
        float *statistic = mutable_floats(statistics) + 3 * row;
        statistic[0] = log_of_sum - read.weighted / read.sum;
        statistic[1] = read.total / static_cast<float>(weight.size(0));
        statistic[2] = read.target == read.largest ? 1.0f : 0.0f;
    }
    return {
        {logps, statistics}, {hidden, weight, targets, normalizers},
        [shape, trains = weight_input.requires_grad()](const Tensors &saved, const at::Tensor &gradient) {
            return backward(shape, trains, saved, gradient);
        }};
}

}  // namespace

TokenLogps CPUKernels::linear_logps(
    const at::Tensor &hidden, const at::Tensor &weight, const at::Tensor &targets,
    const ct_logit_shape &shape) const {
    const auto results = differentiable({hidden, weight}, [&] { return logps(hidden, weight, targets, shape); });
    return {results[0], results[1]};
}

}  // namespace ctorch::cpu

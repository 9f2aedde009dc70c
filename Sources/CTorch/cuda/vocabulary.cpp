#include "../differentiable.h"
#include "cuda_kernels.h"

#include <ATen/ops/bmm.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/zeros.h>

// Logits of some rows over the whole vocabulary at a time, in float32 and as few passes over them as there are operators for.
namespace ctorch::cuda {

namespace {

/// Logits that are held at once: 2 GiB of them.
constexpr int64_t most_logits = 1 << 29;

int64_t rows_at_once(int64_t vocabulary) { return std::max<int64_t>(most_logits / vocabulary, 1); }

at::Tensor logits_of(const at::Tensor &hidden, const at::Tensor &weight, double temperature) {
    auto logits = aten::wide_product(hidden, weight.t());
    return temperature == 1 ? logits : logits.div_(temperature);
}

/// Runs `body(first row, rows)` for each block of rows.
template <typename Body>
void each_block(int64_t count, int64_t vocabulary, Body &&body) {
    const int64_t size = rows_at_once(vocabulary);
    for (int64_t row = 0; row < count; row += size) body(row, std::min(size, count - row));
}

/// The product of each row of one matrix with the same row of another.
at::Tensor row_products(const at::Tensor &left, const at::Tensor &right) {
    return at::bmm(left.unsqueeze(1), right.unsqueeze(2)).view(-1);
}

/// With p the softmax: d logp = e_target - p, times the incoming gradient and by the temperature. The first part, which
/// reaches one row of the weight a token, is kept apart and exact.
Tensors backward(double temperature, const Tensors &saved, const at::Tensor &incoming) {
    const auto &hidden = saved[0], &weight = saved[1], &targets = saved[2], &logsumexp = saved[3];
    const auto type = aten::compute_type(hidden.scalar_type());
    const auto narrow = weight.to(hidden.scalar_type());
    const auto gradient = incoming.to(type).div(temperature).unsqueeze(1);
    auto dhidden = narrow.index_select(0, targets).to(type).mul_(gradient);
    auto dweight = at::zeros(weight.sizes(), weight.options().dtype(type));
    dweight.index_add_(0, targets, hidden.to(type).mul(gradient));
    each_block(hidden.size(0), weight.size(0), [&](int64_t row, int64_t rows) {
        const auto h = hidden.narrow(0, row, rows);
        auto dlogits = logits_of(h, narrow, temperature).sub_(logsumexp.narrow(0, row, rows).unsqueeze(1)).exp_();
        dlogits.mul_(gradient.narrow(0, row, rows).neg());
        const auto rounded = dlogits.to(hidden.scalar_type());
        dhidden.narrow(0, row, rows) += aten::wide_product(rounded, narrow);
        dweight += aten::wide_product(rounded.t(), h);
    });
    return {dhidden.to(hidden.scalar_type()), dweight.to(weight.scalar_type())};
}

Computed logps(const at::Tensor &hidden, const at::Tensor &weight, const at::Tensor &targets, double temperature) {
    const auto options = hidden.options().dtype(aten::compute_type(hidden.scalar_type()));
    const int64_t count = hidden.size(0), vocabulary = weight.size(0);
    auto logps = at::empty({count}, options), logsumexp = at::empty({count}, options);
    auto statistics = at::empty({count, 3}, options);
    const auto narrow = weight.to(hidden.scalar_type());
    each_block(count, vocabulary, [&](int64_t row, int64_t rows) {
        auto logits = logits_of(hidden.narrow(0, row, rows), narrow, temperature);
        const auto target = logits.gather(1, targets.narrow(0, row, rows).unsqueeze(1)).squeeze(1);
        const auto largest = logits.amax(1), mean = logits.mean(1);
        logits.sub_(largest.unsqueeze(1));
        const auto weights = logits.exp();
        const auto sum = weights.sum(1), log_of_sum = sum.log();
        logsumexp.narrow(0, row, rows).copy_(largest + log_of_sum);
        logps.narrow(0, row, rows).copy_(target - largest - log_of_sum);
        // 0 times minus infinity is no number.
        const auto weighted = row_products(weights, logits.clamp_min_(-1e4));
        statistics.narrow(0, row, rows).copy_(at::stack(
            {log_of_sum - weighted / sum, mean, target.eq(largest).to(options.dtype())}, 1));
    });
    return {
        {logps, statistics}, {hidden, weight, targets, logsumexp},
        [temperature](const Tensors &saved, const at::Tensor &gradient) {
            return backward(temperature, saved, gradient);
        }};
}

}  // namespace

TokenLogps CUDAKernels::linear_logps(
    const at::Tensor &hidden, const at::Tensor &weight, const at::Tensor &targets, double temperature) const {
    const auto results = differentiable({hidden, weight}, [&] { return logps(hidden, weight, targets, temperature); });
    return {results[0], results[1]};
}

}  // namespace ctorch::cuda

#include "../differentiable.h"
#include "compiled.h"
#include "cuda_kernels.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/zeros.h>

// Logits of some rows over the whole vocabulary at a time, in float32 and as few passes over them as there are operators for.
namespace ctorch::cuda {

namespace {

/// Logits that are held at once: 2 GiB of them.
constexpr int64_t most_logits = 1 << 29;

int64_t rows_at_once(int64_t vocabulary) { return std::max<int64_t>(most_logits / vocabulary, 1); }

/// Before they are divided by the temperature.
at::Tensor logits_of(const at::Tensor &hidden, const at::Tensor &weight) {
    return aten::wide_product(hidden, weight.t());
}

/// Runs `body(first row, rows)` for each block of rows.
template <typename Body>
void each_block(int64_t count, int64_t vocabulary, Body &&body) {
    const int64_t size = rows_at_once(vocabulary);
    for (int64_t row = 0; row < count; row += size) body(row, std::min(size, count - row));
}

/// Minus the softmax, times the gradient `[rows]`, in the type of what logits were made from.
at::Tensor slopes(
    at::Tensor logits, const at::Tensor &logsumexp, const at::Tensor &gradient, double temperature, at::ScalarType type) {
    const auto kernel = CompiledKernel::named("logit_slopes", type);
    if (!kernel || logits.scalar_type() != at::kFloat) {
        logits.div_(temperature).sub_(logsumexp.unsqueeze(1)).exp_().mul_(gradient.neg().unsqueeze(1));
        return logits.to(type);
    }
    // In float32 it may stand where the logits did.
    const auto result = type == at::kFloat ? logits : at::empty(logits.sizes(), logits.options().dtype(type));
    const void *from = logits.const_data_ptr(), *sums = logsumexp.const_data_ptr(), *factors = gradient.const_data_ptr();
    void *to = result.mutable_data_ptr();
    const int64_t vocabulary = logits.size(1);
    const auto divisor = static_cast<float>(temperature);
    kernel(logits.size(0), 1024, {&from, &sums, &factors, &vocabulary, &divisor, &to});
    return result;
}

/// With p the softmax: d logp = e_target - p, times the incoming gradient and by the temperature. The first part, which
/// reaches one row of the weight a token, is kept apart and exact. A frozen vocabulary has no gradient.
Tensors backward(double temperature, bool trains, const Tensors &saved, const at::Tensor &incoming) {
    const auto &hidden = saved[0], &weight = saved[1], &targets = saved[2], &logsumexp = saved[3];
    const auto type = aten::compute_type(hidden.scalar_type());
    const auto narrow = weight.to(hidden.scalar_type());
    const auto gradient = incoming.to(type).div(temperature), column = gradient.unsqueeze(1);
    auto dhidden = narrow.index_select(0, targets).to(type).mul_(column);
    at::Tensor dweight;
    if (trains) {
        dweight = at::zeros(weight.sizes(), weight.options().dtype(type));
        dweight.index_add_(0, targets, hidden.to(type).mul(column));
    }
    each_block(hidden.size(0), weight.size(0), [&](int64_t row, int64_t rows) {
        const auto h = hidden.narrow(0, row, rows);
        const auto dlogits = slopes(
            logits_of(h, narrow), logsumexp.narrow(0, row, rows), gradient.narrow(0, row, rows), temperature,
            hidden.scalar_type());
        dhidden.narrow(0, row, rows) += aten::wide_product(dlogits, narrow);
        if (trains) dweight += aten::wide_product(dlogits.t(), h);
    });
    return {dhidden.to(hidden.scalar_type()), dweight};
}

/// Of some rows, into their places.
struct Found {
    at::Tensor logps, logsumexp, statistics;

    Found narrow(int64_t row, int64_t rows) const {
        return {logps.narrow(0, row, rows), logsumexp.narrow(0, row, rows), statistics.narrow(0, row, rows)};
    }

    void read(at::Tensor logits, const at::Tensor &targets, double temperature) const {
        const auto kernel = CompiledKernel::named("read_logits", at::kFloat);
        if (!kernel || logits.scalar_type() != at::kFloat) return compose(logits.div_(temperature), targets);
        const void *from = logits.const_data_ptr(), *tokens = targets.const_data_ptr();
        void *out[] = {logps.mutable_data_ptr(), logsumexp.mutable_data_ptr(), statistics.mutable_data_ptr()};
        const int64_t vocabulary = logits.size(1);
        const auto divisor = static_cast<float>(temperature);
        kernel(logits.size(0), 512, {&from, &tokens, &vocabulary, &divisor, out, out + 1, out + 2});
    }

    /// The same by LibTorch's operators.
    void compose(at::Tensor logits, const at::Tensor &targets) const {
        const auto target = logits.gather(1, targets.unsqueeze(1)).squeeze(1);
        const auto largest = logits.amax(1), mean = logits.mean(1);
        logits.sub_(largest.unsqueeze(1));
        const auto weights = logits.exp();
        const auto sum = weights.sum(1), log_of_sum = sum.log();
        logsumexp.copy_(largest + log_of_sum);
        logps.copy_(target - largest - log_of_sum);
        // 0 times minus infinity is no number.
        const auto weighted = weights.mul_(logits.clamp_min_(-1e4)).sum(1);
        statistics.copy_(at::stack({log_of_sum - weighted / sum, mean, target.eq(largest).to(mean.scalar_type())}, 1));
    }
};

Computed logps(const at::Tensor &hidden, const at::Tensor &weight, const at::Tensor &targets, double temperature) {
    const auto options = hidden.options().dtype(aten::compute_type(hidden.scalar_type()));
    const int64_t count = hidden.size(0);
    const Found all = {at::empty({count}, options), at::empty({count}, options), at::empty({count, 3}, options)};
    const auto narrow = weight.to(hidden.scalar_type());
    each_block(count, weight.size(0), [&](int64_t row, int64_t rows) {
        all.narrow(row, rows).read(
            logits_of(hidden.narrow(0, row, rows), narrow), targets.narrow(0, row, rows), temperature);
    });
    return {
        {all.logps, all.statistics}, {hidden, weight, targets, all.logsumexp},
        [temperature, trains = weight.requires_grad()](const Tensors &saved, const at::Tensor &gradient) {
            return backward(temperature, trains, saved, gradient);
        }};
}

}  // namespace

TokenLogps CUDAKernels::linear_logps(
    const at::Tensor &hidden, const at::Tensor &weight, const at::Tensor &targets,
    const ct_logit_shape &shape) const {
    if (shape.cap != 0) return ComposedKernels::linear_logps(hidden, weight, targets, shape);
    const auto results = differentiable(
        {hidden, weight}, [&] { return logps(hidden, weight, targets, shape.divisor * shape.temperature); });
    return {results[0], results[1]};
}

}  // namespace ctorch::cuda

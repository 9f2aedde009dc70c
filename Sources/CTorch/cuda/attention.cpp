#include "../differentiable.h"
#include "compiled.h"
#include "cuda_kernels.h"

#include <ATen/ops/_efficient_attention_backward.h>
#include <ATen/ops/_efficient_attention_forward.h>
#include <ATen/ops/_flash_attention_backward.h>
#include <ATen/ops/_flash_attention_forward.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>
#include <numeric>
#include <optional>

// Segments are sequences of various lengths behind each other, whose last query sees all of its keys and each one before it
// sees one fewer. Where segments share a prefix, its keys and values are gathered once for each of them.
namespace ctorch::cuda {

namespace {

/// Memory-efficient attention aligned so that the last query sees the last key.
constexpr int64_t causal_from_the_end = 2;

struct Plan {
    /// Where each sequence's queries and keys begin, `[sequences + 1]`, int32.
    at::Tensor first_query, first_key;
    /// The rows that keys and values are taken from; undefined where those are all rows in their order.
    at::Tensor rows;
    /// The other way round: where each row went, `places[ends[row - 1] ..< ends[row]]`.
    at::Tensor ends, places;
    int64_t most_queries = 0, most_keys = 0;
};

/// The plan of segments that cover all of `count` rows in order; none for others.
std::optional<Plan> make_plan(const Segments &segments, int64_t count, const c10::Device &device) {
    std::vector<int64_t> queries = {0}, keys = {0}, rows;
    Plan plan;
    int64_t end = 0;
    for (size_t i = 0; i < segments.size(); i++) {
        auto segment = segments[i];
        if (segment.start != end) return std::nullopt;
        // A prefix and what follows it directly are one sequence.
        const auto goes_on = [&](const ct_segment &next) {
            return next.start == segment.start + segment.count && next.prefix_start == segment.start
                && next.prefix_count == segment.count;
        };
        if (segment.prefix_count == 0 && i + 1 < segments.size() && goes_on(segments[i + 1])) {
            segment.count += segments[++i].count;
        }
        end = segment.start + segment.count;
        for (int64_t row = 0; row < segment.prefix_count; row++) rows.push_back(segment.prefix_start + row);
        for (int64_t row = segment.start; row < end; row++) rows.push_back(row);
        queries.push_back(end);
        keys.push_back(static_cast<int64_t>(rows.size()));
        plan.most_queries = std::max(plan.most_queries, segment.count);
        plan.most_keys = std::max(plan.most_keys, segment.prefix_count + segment.count);
    }
    if (end != count) return std::nullopt;
    plan.first_query = on_device(queries, at::kInt, device);
    plan.first_key = on_device(keys, at::kInt, device);
    if (static_cast<int64_t>(rows.size()) == count) return plan;
    std::vector<int64_t> places(rows.size()), ends(count);
    std::iota(places.begin(), places.end(), 0);
    std::stable_sort(places.begin(), places.end(), [&](int64_t a, int64_t b) { return rows[a] < rows[b]; });
    for (const auto row : rows) ends[row]++;
    std::partial_sum(ends.begin(), ends.end(), ends.begin());
    plan.rows = on_device(rows, at::kLong, device);
    plan.ends = on_device(ends, at::kLong, device);
    plan.places = on_device(places, at::kLong, device);
    return plan;
}

/// The same, which all layers of a model ask for in turn.
const std::optional<Plan> &plan_of(const Segments &segments, int64_t count, const c10::Device &device) {
    struct Recent {
        Segments segments;
        int64_t count = -1;
        c10::Device device = at::kCPU;
        std::optional<Plan> plan;
    };
    static thread_local Recent recent;
    const auto same = [](const ct_segment &a, const ct_segment &b) {
        return a.start == b.start && a.count == b.count && a.prefix_start == b.prefix_start
            && a.prefix_count == b.prefix_count;
    };
    if (recent.count != count || recent.device != device
        || !std::equal(segments.begin(), segments.end(), recent.segments.begin(), recent.segments.end(), same)) {
        recent = {segments, count, device, make_plan(segments, count, device)};
    }
    return recent.plan;
}

/// What each sequence sees of `[rows, kv heads, channels]`.
at::Tensor gathered(const at::Tensor &all, const Plan &plan) {
    return plan.rows.defined() ? all.index_select(0, plan.rows) : all;
}

/// Gradients of what was gathered, as those of all rows.
at::Tensor scattered(const at::Tensor &gradient, const Plan &plan, const at::Tensor &all) {
    if (!plan.rows.defined()) return gradient.to(all.scalar_type());
    if (const auto kernel = CompiledKernel::named("sum_places", all.scalar_type())) {
        const auto d = gradient.contiguous(), result = at::empty(all.sizes(), all.options());
        const void *from = d.const_data_ptr(), *ends = plan.ends.const_data_ptr(), *places = plan.places.const_data_ptr();
        void *to = result.mutable_data_ptr();
        const int64_t count = all.size(0), width = all.size(1) * all.size(2);
        kernel.for_each(count * width, {&from, &ends, &places, &to, &count, &width});
        return result;
    }
    auto sum = at::zeros(all.sizes(), all.options().dtype(aten::compute_type(all.scalar_type())));
    return sum.index_add_(0, plan.rows, gradient.to(sum.scalar_type())).to(all.scalar_type());
}

/// Flash attention, for half precision.
struct Flash {
    static Computed forward(
        const at::Tensor &q, const at::Tensor &k, const at::Tensor &v, const Plan &plan, double scale) {
        const auto [out, logsumexp, state, unused, mask] = at::_flash_attention_forward(
            q, gathered(k, plan), gathered(v, plan), plan.first_query, plan.first_key, plan.most_queries,
            plan.most_keys, /*dropout_p=*/0.0, /*is_causal=*/true, /*return_debug_mask=*/false,
            std::optional<double>(scale));
        return {{out}, {q, k, v, out, logsumexp, state, unused},
            [plan, scale](const Tensors &saved, const at::Tensor &gradient) {
                const auto &k = saved[1], &v = saved[2];
                const auto [dq, dk, dv] = at::_flash_attention_backward(
                    gradient, saved[0], gathered(k, plan), gathered(v, plan), saved[3], saved[4], plan.first_query,
                    plan.first_key, plan.most_queries, plan.most_keys, 0.0, true, saved[5], saved[6],
                    std::optional<double>(scale));
                return Tensors{dq, scattered(dk, plan, k), scattered(dv, plan, v)};
            }};
    }

    static bool serves(const at::Tensor &q) {
        return (q.scalar_type() == at::kBFloat16 || q.scalar_type() == at::kHalf) && q.size(2) % 8 == 0
            && q.size(2) <= 256;
    }
};

/// Memory-efficient attention, for single precision: each query head has a copy of its keys.
struct Efficient {
    static at::Tensor copies(const at::Tensor &all, const Plan &plan, int64_t heads) {
        const auto rows = gathered(all, plan);
        const int64_t count = rows.size(0), own = rows.size(1), channels = rows.size(2);
        return rows.unsqueeze(2).expand({count, own, heads / own, channels}).reshape({1, count, heads, channels});
    }

    static at::Tensor sums(const at::Tensor &gradient, const Plan &plan, const at::Tensor &all) {
        const auto shared = gradient.reshape({gradient.size(1), all.size(1), -1, all.size(2)}).sum(2);
        return scattered(shared, plan, all);
    }

    static Computed forward(
        const at::Tensor &q, const at::Tensor &k, const at::Tensor &v, const Plan &plan, double scale) {
        const int64_t heads = q.size(1);
        const auto [out, logsumexp, seed, offset, queries, keys] = at::_efficient_attention_forward(
            q.unsqueeze(0), copies(k, plan, heads), copies(v, plan, heads), /*bias=*/std::nullopt, plan.first_query,
            plan.first_key, std::optional<int64_t>(plan.most_queries), std::optional<int64_t>(plan.most_keys),
            /*dropout_p=*/0.0, causal_from_the_end, /*compute_log_sumexp=*/true, std::optional<double>(scale));
        return {{out.squeeze(0)}, {q, k, v, out, logsumexp, seed, offset},
            [plan, scale, heads](const Tensors &saved, const at::Tensor &gradient) {
                const auto &k = saved[1], &v = saved[2];
                const auto [dq, dk, dv, dbias] = at::_efficient_attention_backward(
                    gradient.unsqueeze(0), saved[0].unsqueeze(0), copies(k, plan, heads), copies(v, plan, heads),
                    /*bias=*/std::nullopt, saved[3], plan.first_query, plan.first_key, plan.most_queries,
                    plan.most_keys, saved[4], 0.0, saved[5], saved[6], causal_from_the_end,
                    /*bias_requires_grad=*/false, std::optional<double>(scale),
                    // One, so that no sum depends on who comes first.
                    /*num_splits_key=*/std::optional<int64_t>(1));
                return Tensors{dq.squeeze(0), sums(dk, plan, k), sums(dv, plan, v)};
            }};
    }

    static bool serves(const at::Tensor &q) { return q.scalar_type() == at::kFloat && q.size(2) % 4 == 0; }
};

}  // namespace

at::Tensor CUDAKernels::segment_attention(
    const at::Tensor &q, const at::Tensor &k, const at::Tensor &v, const at::Tensor &sinks, const Segments &segments,
    const ct_attention &options) const {
    const bool hides = options.window > 0 && std::any_of(segments.begin(), segments.end(), [&](const ct_segment &segment) {
        return segment.prefix_count + segment.count > options.window;
    });
    const auto compose = [&] { return ComposedKernels::segment_attention(q, k, v, sinks, segments, options); };
    const bool flash = Flash::serves(q);
    const bool plain = options.cap == 0 && !sinks.defined() && !hides;
    if (q.size(0) == 0 || !plain || !(flash || Efficient::serves(q))) return compose();
    const auto &plan = plan_of(segments, q.size(0), q.device());
    if (!plan) return compose();
    return differentiable({q, k, v}, [&] {
        return flash ? Flash::forward(q, k, v, *plan, options.scale) : Efficient::forward(q, k, v, *plan, options.scale);
    })[0];
}

}  // namespace ctorch::cuda

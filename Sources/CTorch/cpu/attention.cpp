#include "../differentiable.h"
#include "attention_plan.h"
#include "cpu_kernels.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>
#include <memory>

namespace ctorch::cpu {

namespace {

/// Keys or values `[rows, kv heads, channels]` of all spans in panels, head by head.
struct Packed {
    const AttentionPlan &plan;
    const AttentionShape &shape;
    int64_t channels;
    at::Tensor memory;

    /// With `channels` the real ones for panels of tokens, the padded ones for panels of channels.
    Packed(const AttentionPlan &plan, const AttentionShape &shape, int64_t channels, const at::Tensor &like)
        : plan(plan), shape(shape), channels(channels),
          memory(at::empty({plan.span_tokens * shape.kv_heads * channels}, like.options())) {}

    int64_t place(const Span &span, int64_t head) const {
        return (span.place * shape.kv_heads + head * padded(span.count)) * channels;
    }

    Run operator()(ptrdiff_t index, int64_t head) const {
        if (index < 0) return {};
        const auto &span = plan.spans[index];
        return {floats(memory) + place(span, head), span.count};
    }

    /// Packs a head's rows of a span, ``by_tokens`` or ``by_channels``.
    template <typename Order>
    void fill(Order order, const at::Tensor &rows, const Span &span, int64_t head) {
        const float *first = floats(rows) + span.start * shape.kv_stride() + head * shape.channels;
        pack(order(first, shape.kv_stride(), span.count, shape.channels), mutable_floats(memory) + place(span, head));
    }
};

/// A head's sink.
float sink_of(const at::Tensor &sinks, int64_t head) { return sinks.defined() ? floats(sinks)[head] : no_sink; }

void forward(
    const AttentionPlan &plan, const AttentionShape &shape, const ScoreShape &scores, const at::Tensor &q,
    const at::Tensor &k, const at::Tensor &v, const at::Tensor &sinks, at::Tensor &out, at::Tensor &normalizers) {
    Packed keys(plan, shape, shape.channels, k), values(plan, shape, shape.width(), v);
    parallel(plan.spans.size() * shape.kv_heads, [&](int64_t unit) {
        const auto &span = plan.spans[unit / shape.kv_heads];
        keys.fill(by_tokens, k, span, unit % shape.kv_heads);
        values.fill(by_channels, v, span, unit % shape.kv_heads);
    });
    std::vector<const PlannedBlock *> blocks;
    for (const auto &task : plan.tasks) {
        for (const auto &block : task.blocks) blocks.push_back(&block);
    }
    const float *query = floats(q);
    float *result = mutable_floats(out);
    auto *all = reinterpret_cast<Normalizer *>(mutable_floats(normalizers));
    parallel(blocks.size() * shape.kv_heads, [&](int64_t unit) {
        const auto &block = *blocks[unit / shape.kv_heads];
        const int64_t kv_head = unit % shape.kv_heads;
        const ForwardRuns runs = {
            keys(block.prefix, kv_head), keys(block.own, kv_head), values(block.prefix, kv_head),
            values(block.own, kv_head)};
        for (int64_t head = kv_head * shape.share(); head < (kv_head + 1) * shape.share(); head++) {
            const int64_t offset = block.queries.first * shape.query_stride() + head * shape.channels;
            attend(
                block.queries, shape, scores, runs, sink_of(sinks, head), query + offset, result + offset,
                all + block.queries.first * shape.heads + head);
        }
    });
}

struct Gradients {
    at::Tensor query, key, value;
    /// Of the sinks, by rows: `[rows, heads]`; undefined where there are none.
    at::Tensor sinks;
};

/// Adds each group's tasks' gradients, `[tasks, kv heads, 2, rows, width]`, to those of keys and values, in the tasks' order.
void gather(const AttentionPlan &plan, const AttentionShape &shape, const float *partial, Gradients &gradients) {
    const int64_t width = shape.width();
    parallel(plan.group_ends.size() * shape.kv_heads, [&](int64_t unit) {
        const size_t group = unit / shape.kv_heads;
        const int64_t head = unit % shape.kv_heads;
        for (size_t t = group > 0 ? plan.group_ends[group - 1] : 0; t < plan.group_ends[group]; t++) {
            const auto &task = plan.tasks[t];
            const float *keys = partial + 2 * (task.place * shape.kv_heads + head * task.rows) * width;
            const float *values = keys + task.rows * width;
            for (const auto &piece : task.pieces) {
                const int64_t start = plan.spans[piece.span].start;
                for (int64_t row = 0; row < piece.rows; row++) {
                    const int64_t from = (piece.place + row) * width;
                    const int64_t to = (start + row) * shape.kv_stride() + head * shape.channels;
                    float *key = mutable_floats(gradients.key) + to, *value = mutable_floats(gradients.value) + to;
                    for (int64_t c = 0; c < shape.channels; c++) {
                        key[c] += keys[from + c];
                        value[c] += values[from + c];
                    }
                }
            }
        }
    });
}

Gradients backward(
    const AttentionPlan &plan, const AttentionShape &shape, const ScoreShape &scores, const at::Tensor &q,
    const at::Tensor &k, const at::Tensor &v, const at::Tensor &sinks, const at::Tensor &normalizers,
    const at::Tensor &dout) {
    Packed keys(plan, shape, shape.channels, k), key_channels(plan, shape, shape.width(), k),
        values(plan, shape, shape.channels, v);
    parallel(plan.spans.size() * shape.kv_heads, [&](int64_t unit) {
        const auto &span = plan.spans[unit / shape.kv_heads];
        keys.fill(by_tokens, k, span, unit % shape.kv_heads);
        key_channels.fill(by_channels, k, span, unit % shape.kv_heads);
        values.fill(by_tokens, v, span, unit % shape.kv_heads);
    });
    Gradients gradients{at::zeros_like(q), at::zeros_like(k), at::zeros_like(v), {}};
    if (sinks.defined()) gradients.sinks = at::zeros({q.size(0), shape.heads}, q.options());
    float *dsinks = sinks.defined() ? mutable_floats(gradients.sinks) : nullptr;
    const int64_t width = shape.width();
    auto partial = at::empty({2 * plan.task_rows * shape.kv_heads * width}, q.options());
    const float *query = floats(q), *incoming = floats(dout);
    const auto *all = reinterpret_cast<const Normalizer *>(floats(normalizers));
    float *dquery = mutable_floats(gradients.query), *sums = mutable_floats(partial);
    parallel(plan.tasks.size() * shape.kv_heads, [&](int64_t unit) {
        // The last first, for a group's last blocks see most: threads then end together.
        const auto &task = plan.tasks[plan.tasks.size() - 1 - unit / shape.kv_heads];
        const int64_t kv_head = unit % shape.kv_heads;
        float *dkeys = sums + 2 * (task.place * shape.kv_heads + kv_head * task.rows) * width;
        float *dvalues = dkeys + task.rows * width;
        std::fill(dkeys, dkeys + 2 * task.rows * width, 0.0f);
        for (const auto &block : task.blocks) {
            const int64_t own = block.own_place * width, prefix = block.prefix_place * width;
            const KeyGradients to = {dkeys + prefix, dkeys + own, dvalues + prefix, dvalues + own};
            const BackwardRuns runs = {
                keys(block.prefix, kv_head), keys(block.own, kv_head), key_channels(block.prefix, kv_head),
                key_channels(block.own, kv_head), values(block.prefix, kv_head), values(block.own, kv_head)};
            for (int64_t head = kv_head * shape.share(); head < (kv_head + 1) * shape.share(); head++) {
                const int64_t offset = block.queries.first * shape.query_stride() + head * shape.channels;
                const int64_t place = block.queries.first * shape.heads + head;
                attend_backward(
                    block.queries, shape, scores, runs, query + offset, incoming + offset, all + place,
                    dquery + offset, to, {sink_of(sinks, head), dsinks ? dsinks + place : nullptr});
            }
        }
    });
    gather(plan, shape, floats(partial), gradients);
    return gradients;
}

Computed attention(
    const at::Tensor &query, const at::Tensor &key, const at::Tensor &value, const at::Tensor &given_sinks,
    const Segments &segments, const ct_attention &options) {
    const auto q = checked(query, 3, "query"), k = checked(key, 3, "key"), v = checked(value, 3, "value");
    const auto sinks = given_sinks.defined() ? checked(given_sinks, 1, "sinks") : given_sinks;
    const AttentionShape shape{q.size(1), k.size(1), q.size(2)};
    const ScoreShape scores{static_cast<float>(options.scale), static_cast<float>(options.cap)};
    const auto plan = std::make_shared<const AttentionPlan>(segments, options.window);
    auto out = at::zeros_like(q);
    auto normalizers = at::empty({q.size(0), shape.heads, 2}, q.options());
    forward(*plan, shape, scores, q, k, v, sinks, out, normalizers);
    Tensors saved = {q, k, v, normalizers};
    if (sinks.defined()) saved.push_back(sinks);
    return {{out}, saved, [=](const Tensors &saved, const at::Tensor &dout) -> Tensors {
        const auto sinks = saved.size() > 4 ? saved[4] : at::Tensor();
        const auto gradients = backward(*plan, shape, scores, saved[0], saved[1], saved[2], sinks, saved[3], dout);
        Tensors all = {gradients.query, gradients.key, gradients.value};
        if (sinks.defined()) all.push_back(gradients.sinks.sum(0));
        return all;
    }};
}

}  // namespace

at::Tensor CPUKernels::segment_attention(
    const at::Tensor &query, const at::Tensor &key, const at::Tensor &value, const at::Tensor &sinks,
    const Segments &segments, const ct_attention &options) const {
    Tensors inputs = {query, key, value};
    if (sinks.defined()) inputs.push_back(sinks);
    return differentiable(inputs, [&] { return attention(query, key, value, sinks, segments, options); })[0];
}

}  // namespace ctorch::cpu

#include "attention_block.h"
#include "differentiable.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/zeros_like.h>
#include <memory>
#include <numeric>

namespace ctorch {

namespace {

/// Segments that see each other's rows, so that one thread gathers the gradients of the keys they share.
using Group = std::vector<ct_segment>;

std::vector<Group> groups(const std::vector<ct_segment> &segments) {
    std::vector<size_t> parent(segments.size());
    std::iota(parent.begin(), parent.end(), 0);
    const auto root = [&](size_t i) {
        while (parent[i] != i) i = parent[i];
        return i;
    };
    for (size_t i = 0; i < segments.size(); i++) {
        const auto &segment = segments[i];
        if (segment.prefix_count == 0) continue;
        const int64_t prefix_end = segment.prefix_start + segment.prefix_count;
        int64_t covered = 0;
        for (size_t j = i; j-- > 0;) {
            const auto &other = segments[j];
            if (other.start + other.count <= segment.prefix_start) break;
            if (other.start >= prefix_end) continue;
            parent[root(i)] = root(j);
            covered += std::min(other.start + other.count, prefix_end) - std::max(other.start, segment.prefix_start);
        }
        TORCH_CHECK(
            covered == segment.prefix_count, "of prefix ", segment.prefix_start, "+", segment.prefix_count, " only ", covered,
            " rows are in segments");
    }
    std::vector<Group> all;
    std::vector<ptrdiff_t> place(segments.size(), -1);
    for (size_t i = 0; i < segments.size(); i++) {
        auto &index = place[root(i)];
        if (index < 0) {
            index = static_cast<ptrdiff_t>(all.size());
            all.emplace_back();
        }
        all[index].push_back(segments[i]);
    }
    return all;
}

/// Queries that add to gradients of their own, so that threads share long groups: a fixed number, for sums depend on it.
constexpr int64_t task_queries = 512;

/// A run of rows that queries see.
struct Span {
    int64_t start, count;
    /// Tokens before it in packed memory, where each span fills whole panels.
    int64_t place;
};

struct Block {
    QueryBlock queries;
    /// Indices of spans; the prefix may be none, -1.
    ptrdiff_t own, prefix;
};

/// Blocks of a group that add to the same gradients of keys and values, those of `rows` rows from `first` on.
struct Task {
    std::vector<Block> blocks;
    int64_t first, rows;
    /// Rows of earlier tasks.
    int64_t place;
};

/// What there is to compute: the order in which results are summed depends on the segments alone.
struct Plan {
    std::vector<Span> spans;
    int64_t span_tokens = 0;
    std::vector<Task> tasks;
    int64_t task_rows = 0;
    /// Where each group's tasks end.
    std::vector<size_t> group_ends;

    explicit Plan(const std::vector<ct_segment> &segments) {
        for (const auto &group : groups(segments)) {
            int64_t queries = task_queries;
            for (const auto &segment : group) {
                const auto own = span(segment.start, segment.count);
                const auto prefix = segment.prefix_count > 0 ? span(segment.prefix_start, segment.prefix_count) : -1;
                for (int64_t row = 0; row < segment.count; row += block_queries) {
                    if (queries >= task_queries) {
                        tasks.push_back({{}, group.front().start, 0, 0});
                        queries = 0;
                    }
                    const int64_t count = std::min(block_queries, segment.count - row);
                    auto &task = tasks.back();
                    task.blocks.push_back({{segment.start + row, count, row, segment.prefix_count}, own, prefix});
                    task.rows = segment.start + row + count - task.first;
                    queries += count;
                }
            }
            group_ends.push_back(tasks.size());
        }
        for (auto &task : tasks) {
            task.place = task_rows;
            task_rows += task.rows;
        }
    }

private:
    ptrdiff_t span(int64_t start, int64_t count) {
        // A prefix is most often the segment right before, or that one's own prefix.
        for (ptrdiff_t i = static_cast<ptrdiff_t>(spans.size()) - 1; i >= 0 && spans[i].start >= start; i--) {
            if (spans[i].start == start && spans[i].count == count) return i;
        }
        spans.push_back({start, count, span_tokens});
        span_tokens += padded(count);
        return static_cast<ptrdiff_t>(spans.size()) - 1;
    }
};

/// Keys or values `[rows, kv heads, channels]` of all spans in panels, head by head.
struct Packed {
    const Plan &plan;
    const AttentionShape &shape;
    int64_t channels;
    at::Tensor memory;

    /// With `channels` the real ones for panels of tokens, the padded ones for panels of channels.
    Packed(const Plan &plan, const AttentionShape &shape, int64_t channels, const at::Tensor &like)
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

    using Pack = void(const float *rows, int64_t stride, int64_t count, int64_t channels, float *panels);

    void fill(Pack pack, const at::Tensor &rows, const Span &span, int64_t head) {
        pack(
            floats(rows) + span.start * shape.kv_stride() + head * shape.channels, shape.kv_stride(), span.count,
            shape.channels, mutable_floats(memory) + place(span, head));
    }
};

void forward(
    const Plan &plan, const AttentionShape &shape, float scale, const at::Tensor &q, const at::Tensor &k,
    const at::Tensor &v, at::Tensor &out, at::Tensor &normalizers) {
    Packed keys(plan, shape, shape.channels, k), values(plan, shape, shape.width(), v);
    parallel(plan.spans.size() * shape.kv_heads, [&](int64_t unit) {
        const auto &span = plan.spans[unit / shape.kv_heads];
        keys.fill(pack_tokens, k, span, unit % shape.kv_heads);
        values.fill(pack_channels, v, span, unit % shape.kv_heads);
    });
    std::vector<const Block *> blocks;
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
                block.queries, shape, scale, runs, query + offset, result + offset,
                all + block.queries.first * shape.heads + head);
        }
    });
}

struct Gradients {
    at::Tensor query, key, value;
};

/// Adds each group's tasks' gradients, `[tasks, kv heads, 2, rows, width]`, to those of keys and values, in the tasks' order.
void gather(const Plan &plan, const AttentionShape &shape, const float *partial, Gradients &gradients) {
    const int64_t width = shape.width();
    parallel(plan.group_ends.size() * shape.kv_heads, [&](int64_t unit) {
        const size_t group = unit / shape.kv_heads;
        const int64_t head = unit % shape.kv_heads;
        for (size_t t = group > 0 ? plan.group_ends[group - 1] : 0; t < plan.group_ends[group]; t++) {
            const auto &task = plan.tasks[t];
            const float *keys = partial + 2 * (task.place * shape.kv_heads + head * task.rows) * width;
            const float *values = keys + task.rows * width;
            for (int64_t row = 0; row < task.rows; row++) {
                const int64_t to = (task.first + row) * shape.kv_stride() + head * shape.channels;
                float *key = mutable_floats(gradients.key) + to, *value = mutable_floats(gradients.value) + to;
                for (int64_t c = 0; c < shape.channels; c++) {
                    key[c] += keys[row * width + c];
                    value[c] += values[row * width + c];
                }
            }
        }
    });
}

Gradients backward(
    const Plan &plan, const AttentionShape &shape, float scale, const at::Tensor &q, const at::Tensor &k,
    const at::Tensor &v, const at::Tensor &normalizers, const at::Tensor &dout) {
    Packed keys(plan, shape, shape.channels, k), key_channels(plan, shape, shape.width(), k),
        values(plan, shape, shape.channels, v);
    parallel(plan.spans.size() * shape.kv_heads, [&](int64_t unit) {
        const auto &span = plan.spans[unit / shape.kv_heads];
        keys.fill(pack_tokens, k, span, unit % shape.kv_heads);
        key_channels.fill(pack_channels, k, span, unit % shape.kv_heads);
        values.fill(pack_tokens, v, span, unit % shape.kv_heads);
    });
    Gradients gradients{at::zeros_like(q), at::zeros_like(k), at::zeros_like(v)};
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
            const int64_t own = (plan.spans[block.own].start - task.first) * width;
            const int64_t prefix = block.prefix < 0 ? 0 : (plan.spans[block.prefix].start - task.first) * width;
            const KeyGradients to = {dkeys + prefix, dkeys + own, dvalues + prefix, dvalues + own};
            const BackwardRuns runs = {
                keys(block.prefix, kv_head), keys(block.own, kv_head), key_channels(block.prefix, kv_head),
                key_channels(block.own, kv_head), values(block.prefix, kv_head), values(block.own, kv_head)};
            for (int64_t head = kv_head * shape.share(); head < (kv_head + 1) * shape.share(); head++) {
                const int64_t offset = block.queries.first * shape.query_stride() + head * shape.channels;
                attend_backward(
                    block.queries, shape, scale, runs, query + offset, incoming + offset,
                    all + block.queries.first * shape.heads + head, dquery + offset, to);
            }
        }
    });
    gather(plan, shape, floats(partial), gradients);
    return gradients;
}

void check(const at::Tensor &q, const at::Tensor &k, const at::Tensor &v, const std::vector<ct_segment> &segments) {
    TORCH_CHECK(
        k.sizes() == v.sizes() && k.size(0) == q.size(0) && k.size(2) == q.size(2) && q.size(1) % k.size(1) == 0,
        "attention of ", q.sizes(), " over ", k.sizes(), " and ", v.sizes());
    int64_t end = 0;
    for (const auto &s : segments) {
        // In order and apart from each other: then the groups below share no row, and threads share no gradient.
        TORCH_CHECK(
            s.count > 0 && s.start >= end && s.start + s.count <= q.size(0) && s.prefix_start >= 0
                && s.prefix_count >= 0 && s.prefix_start + s.prefix_count <= s.start,
            "segment ", s.start, "+", s.count, " after ", s.prefix_start, "+", s.prefix_count, " in ", q.size(0), " rows");
        end = s.start + s.count;
    }
}

Computed segment_attention(
    const at::Tensor &query, const at::Tensor &key, const at::Tensor &value, const std::vector<ct_segment> &segments,
    float scale) {
    const auto q = checked(query, 3, "query"), k = checked(key, 3, "key"), v = checked(value, 3, "value");
    check(q, k, v, segments);
    const AttentionShape shape{q.size(1), k.size(1), q.size(2)};
    const auto plan = std::make_shared<const Plan>(segments);
    auto out = at::zeros_like(q);
    auto normalizers = at::empty({q.size(0), shape.heads, 2}, q.options());
    forward(*plan, shape, scale, q, k, v, out, normalizers);
    return {{out}, {q, k, v, normalizers}, [=](const Tensors &saved, const at::Tensor &dout) -> Tensors {
        const auto gradients = backward(*plan, shape, scale, saved[0], saved[1], saved[2], saved[3], dout);
        return {gradients.query, gradients.key, gradients.value};
    }};
}

}  // namespace

}  // namespace ctorch

ct_status ct_segment_attention(
    const ct_tensor *query, const ct_tensor *key, const ct_tensor *value, const ct_segment *segments, size_t count,
    double scale, ct_tensor **out) {
    return ctorch::returning(out, [&] {
        const std::vector<ct_segment> list(segments, segments + count);
        return ctorch::differentiable({query->value, key->value, value->value}, [&] {
            return ctorch::segment_attention(
                query->value, key->value, value->value, list, static_cast<float>(scale));
        })[0];
    });
}

#include "differentiable.h"
#include "kernels.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/zeros_like.h>
#include <numeric>

// LibTorch's BLAS, called from inside our own parallel loop.
extern "C" void sgemm_(
    const char *, const char *, const int *, const int *, const int *, const float *, const float *, const int *,
    const float *, const int *, const float *, float *, const int *);

namespace ctorch {

namespace {

/// How many query rows share a score matrix: small enough that the causal half is not computed in vain.
constexpr int64_t block_rows = 64;

/// Row-major `c [m, n] = alpha a [m, k] b [k, n] + beta c`, where 'T' reads an operand transposed.
void multiply(
    char transpose_a, char transpose_b, int64_t m, int64_t n, int64_t k, float alpha, const float *a, int64_t lda,
    const float *b, int64_t ldb, float beta, float *c, int64_t ldc) {
    if (m == 0 || n == 0 || k == 0) return;
    const int im = m, in = n, ik = k, ia = lda, ib = ldb, ic = ldc;
    sgemm_(&transpose_b, &transpose_a, &in, &im, &ik, &alpha, b, &ib, a, &ia, &beta, c, &ic);
}

struct Shape {
    int64_t heads, kv_heads, channels;
    int64_t query_stride() const { return heads * channels; }
    int64_t kv_stride() const { return kv_heads * channels; }
    int64_t share() const { return heads / kv_heads; }
};

/// One block of query rows of one head: where its context lies.
struct Block {
    int64_t first_query;   // row of the first query
    int64_t rows;          // how many queries
    int64_t prefix;        // first prefix row
    int64_t prefix_count;  // columns 0 ..< prefix_count
    int64_t own;           // first row of the segment
    int64_t own_count;     // columns that follow: the segment up to the last query of the block
    int64_t columns() const { return prefix_count + own_count; }
    /// How many columns query `i` of the block sees.
    int64_t visible(int64_t i) const { return prefix_count + own_count - rows + i + 1; }
};

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

template <typename Body>
void each_block(const Group &group, Body &&body) {
    for (const auto &segment : group) {
        for (int64_t row = 0; row < segment.count; row += block_rows) {
            const int64_t rows = std::min(block_rows, segment.count - row);
            body(Block{
                segment.start + row, rows, segment.prefix_start, segment.prefix_count, segment.start, row + rows});
        }
    }
}

float *scratch(int which, int64_t count) {
    static thread_local std::vector<float> buffers[2];
    auto &buffer = buffers[which];
    if (buffer.size() < static_cast<size_t>(count)) buffer.resize(count);
    return buffer.data();
}

/// `scores [rows, columns] = scale query keyᵀ` over prefix and segment.
void scores(const Block &block, const Shape &shape, float scale, const float *query, const float *key, float *out) {
    const int64_t columns = block.columns(), stride = shape.kv_stride();
    multiply(
        'N', 'T', block.rows, block.prefix_count, shape.channels, scale, query, shape.query_stride(),
        key + block.prefix * stride, stride, 0, out, columns);
    multiply(
        'N', 'T', block.rows, block.own_count, shape.channels, scale, query, shape.query_stride(),
        key + block.own * stride, stride, 0, out + block.prefix_count, columns);
}

/// `out [rows, channels] = factor weights [rows, columns] x values`, rows of `values` as in ``scores``.
void combine(
    const Block &block, const Shape &shape, const float *weights, const float *values, float *out) {
    const int64_t columns = block.columns(), stride = shape.kv_stride();
    multiply(
        'N', 'N', block.rows, shape.channels, block.own_count, 1, weights + block.prefix_count, columns,
        values + block.own * stride, stride, 0, out, shape.query_stride());
    multiply(
        'N', 'N', block.rows, shape.channels, block.prefix_count, 1, weights, columns, values + block.prefix * stride,
        stride, 1, out, shape.query_stride());
}

/// Adds `weightsᵀ [columns, rows] x queries [rows, channels]` to the rows of `out` that the columns stand for.
void scatter(const Block &block, const Shape &shape, const float *weights, const float *queries, float *out) {
    const int64_t columns = block.columns(), stride = shape.kv_stride();
    multiply(
        'T', 'N', block.prefix_count, shape.channels, block.rows, 1, weights, columns, queries, shape.query_stride(), 1,
        out + block.prefix * stride, stride);
    multiply(
        'T', 'N', block.own_count, shape.channels, block.rows, 1, weights + block.prefix_count, columns, queries,
        shape.query_stride(), 1, out + block.own * stride, stride);
}

CT_KERNEL void softmax_row(float *row, int64_t visible, int64_t columns, Normalizer *normalizer) {
#pragma clang fp reassociate(on) contract(fast)
    const float largest = maximum(row, visible);
    float sum = 0;
    for (int64_t i = 0; i < visible; i++) {
        row[i] = fast_exp(row[i] - largest);
        sum += row[i];
    }
    const float factor = 1.0f / sum;
    for (int64_t i = 0; i < visible; i++) row[i] *= factor;
    for (int64_t i = visible; i < columns; i++) row[i] = 0;
    *normalizer = {largest, factor};
}

CT_KERNEL void softmax_row_again(float *row, int64_t visible, int64_t columns, const Normalizer &normalizer) {
    for (int64_t i = 0; i < visible; i++) row[i] = fast_exp(row[i] - normalizer.largest) * normalizer.factor;
    for (int64_t i = visible; i < columns; i++) row[i] = 0;
}

CT_KERNEL void softmax_backward_row(
    const float *weights, float *gradient, int64_t visible, int64_t columns, float scale) {
    // The same as the product of output and its gradient, but that one is rounded on its own and leaves a remainder.
    const float along = dot(weights, gradient, visible);
    for (int64_t i = 0; i < visible; i++) gradient[i] = weights[i] * (gradient[i] - along) * scale;
    for (int64_t i = visible; i < columns; i++) gradient[i] = 0;
}

struct Inputs {
    const float *query, *key, *value;
};

void forward_unit(
    const Group &group, int64_t kv_head, const Shape &shape, float scale, const Inputs &in, float *out,
    Normalizer *normalizers) {
    const int64_t kv_offset = kv_head * shape.channels;
    each_block(group, [&](const Block &block) {
        const int64_t columns = block.columns();
        float *weights = scratch(0, block.rows * columns);
        for (int64_t head = kv_head * shape.share(); head < (kv_head + 1) * shape.share(); head++) {
            const int64_t offset = block.first_query * shape.query_stride() + head * shape.channels;
            scores(block, shape, scale, in.query + offset, in.key + kv_offset, weights);
            for (int64_t i = 0; i < block.rows; i++) {
                softmax_row(
                    weights + i * columns, block.visible(i), columns,
                    normalizers + (block.first_query + i) * shape.heads + head);
            }
            combine(block, shape, weights, in.value + kv_offset, out + offset);
        }
    });
}

struct Gradients {
    const float *dout;
    const Normalizer *normalizers;
    float *query, *key, *value;
};

void backward_unit(
    const Group &group, int64_t kv_head, const Shape &shape, float scale, const Inputs &in, const Gradients &g) {
    const int64_t kv_offset = kv_head * shape.channels;
    each_block(group, [&](const Block &block) {
        const int64_t columns = block.columns();
        float *weights = scratch(0, block.rows * columns), *dscores = scratch(1, block.rows * columns);
        for (int64_t head = kv_head * shape.share(); head < (kv_head + 1) * shape.share(); head++) {
            const int64_t offset = block.first_query * shape.query_stride() + head * shape.channels;
            scores(block, shape, scale, in.query + offset, in.key + kv_offset, weights);
            scores(block, shape, 1, g.dout + offset, in.value + kv_offset, dscores);
            for (int64_t i = 0; i < block.rows; i++) {
                softmax_row_again(
                    weights + i * columns, block.visible(i), columns,
                    g.normalizers[(block.first_query + i) * shape.heads + head]);
                softmax_backward_row(weights + i * columns, dscores + i * columns, block.visible(i), columns, scale);
            }
            combine(block, shape, dscores, in.key + kv_offset, g.query + offset);
            scatter(block, shape, dscores, in.query + offset, g.key + kv_offset);
            scatter(block, shape, weights, g.dout + offset, g.value + kv_offset);
        }
    });
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
    const Shape shape{q.size(1), k.size(1), q.size(2)};
    const auto all = groups(segments);
    const auto units = static_cast<int64_t>(all.size()) * shape.kv_heads;
    auto out = at::zeros_like(q);
    auto normalizers = at::empty({q.size(0), shape.heads, 2}, q.options());
    const Inputs in{floats(q), floats(k), floats(v)};
    float *result = mutable_floats(out);
    auto *factors = reinterpret_cast<Normalizer *>(mutable_floats(normalizers));
    parallel(units, [&](int64_t unit) {
        forward_unit(all[unit / shape.kv_heads], unit % shape.kv_heads, shape, scale, in, result, factors);
    });
    const auto backward = [=](const Tensors &saved, const at::Tensor &dout) -> Tensors {
        const auto &q = saved[0], &k = saved[1], &v = saved[2], &normalizers = saved[3];
        auto dq = at::zeros_like(q), dk = at::zeros_like(k), dv = at::zeros_like(v);
        const Inputs in{floats(q), floats(k), floats(v)};
        const Gradients g{
            floats(dout), reinterpret_cast<const Normalizer *>(floats(normalizers)), mutable_floats(dq),
            mutable_floats(dk), mutable_floats(dv)};
        parallel(units, [&](int64_t unit) {
            backward_unit(all[unit / shape.kv_heads], unit % shape.kv_heads, shape, scale, in, g);
        });
        return {dq, dk, dv};
    };
    return {{out}, {q, k, v, normalizers}, backward};
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

#include "../differentiable.h"
#include "composed_kernels.h"

#include <ATen/ops/arange.h>
#include <ATen/ops/bmm.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>
#include <limits>

// A segment at a time, all heads together: query heads that share a key head lie behind each other, so that each key head has
// one matrix of queries `[share x rows, channels]`. The backward pass computes weights anew.
namespace ctorch::aten {

namespace {

struct SegmentRows {
    const ct_segment &segment;
    int64_t heads, kv_heads, channels;
    ct_attention options;

    int64_t seen() const { return segment.prefix_count + segment.count; }

    /// Rows of queries, `[rows, heads, channels]`, as `[kv heads, share x rows, channels]`.
    at::Tensor gathered(const at::Tensor &all) const {
        return all.narrow(0, segment.start, segment.count)
            .reshape({segment.count, kv_heads, heads / kv_heads, channels})
            .permute({1, 2, 0, 3})
            .reshape({kv_heads, -1, channels});
    }

    /// The other way round.
    at::Tensor scattered(const at::Tensor &rows) const {
        return rows.view({kv_heads, heads / kv_heads, segment.count, channels})
            .permute({2, 0, 1, 3})
            .reshape({segment.count, heads, channels});
    }

    /// Keys or values that the segment sees, as `[kv heads, seen, channels]`.
    at::Tensor visible(const at::Tensor &all) const {
        const auto own = all.narrow(0, segment.start, segment.count);
        if (segment.prefix_count == 0) return own.transpose(0, 1);
        return at::cat({all.narrow(0, segment.prefix_start, segment.prefix_count), own}).transpose(0, 1);
    }

    /// Adds gradients of what the segment sees, `[kv heads, seen, channels]`, to those of all rows.
    void add(const at::Tensor &gradients, at::Tensor &all) const {
        const auto rows = gradients.transpose(0, 1);
        all.narrow(0, segment.start, segment.count) += rows.narrow(0, segment.prefix_count, segment.count);
        all.narrow(0, segment.prefix_start, segment.prefix_count) += rows.narrow(0, 0, segment.prefix_count);
    }

    /// What the softmax is taken of, before anything is hidden: `[kv heads, share x rows, seen]`.
    at::Tensor scores(const at::Tensor &queries, const at::Tensor &keys) const {
        const auto products = at::bmm(queries, keys.transpose(1, 2)).to(compute_type(queries.scalar_type()));
        return capped(products.mul(options.scale), options.cap);
    }

    /// Softmax of the scores over what each row sees.
    at::Tensor weights(const at::Tensor &scores) const {
        const auto column = at::arange(seen(), scores.options().dtype(at::kLong));
        const auto last = column.narrow(0, segment.prefix_count, segment.count).unsqueeze(1);
        auto hidden = column > last;
        if (options.window > 0) hidden = hidden.logical_or(column <= last - options.window);
        return scores.view({kv_heads, heads / kv_heads, segment.count, seen()})
            .masked_fill(hidden, -std::numeric_limits<double>::infinity())
            .softmax(-1)
            .view_as(scores);
    }
};

at::Tensor forward(
    const at::Tensor &q, const at::Tensor &k, const at::Tensor &v, const Segments &segments,
    const ct_attention &options) {
    auto out = at::zeros_like(q, at::MemoryFormat::Contiguous);
    for (const auto &segment : segments) {
        const SegmentRows rows = {segment, q.size(1), k.size(1), q.size(2), options};
        const auto weights = rows.weights(rows.scores(rows.gathered(q), rows.visible(k))).to(v.scalar_type());
        out.narrow(0, segment.start, segment.count).copy_(rows.scattered(at::bmm(weights, rows.visible(v))));
    }
    return out;
}

Tensors backward(
    const at::Tensor &q, const at::Tensor &k, const at::Tensor &v, const Segments &segments,
    const ct_attention &options, const at::Tensor &dout) {
    const auto type = compute_type(q.scalar_type());
    auto dq = at::zeros(q.sizes(), q.options()), dk = at::zeros(k.sizes(), k.options().dtype(type));
    auto dv = at::zeros_like(dk);
    for (const auto &segment : segments) {
        const SegmentRows rows = {segment, q.size(1), k.size(1), q.size(2), options};
        const auto queries = rows.gathered(q), keys = rows.visible(k), incoming = rows.gathered(dout);
        const auto scores = rows.scores(queries, keys), weights = rows.weights(scores);
        rows.add(at::bmm(weights.transpose(1, 2).to(q.scalar_type()), incoming), dv);
        const auto dweights = at::bmm(incoming, rows.visible(v).transpose(1, 2)).to(type);
        const auto along = weights.mul(dweights).sum(-1, /*keepdim=*/true);
        const auto dproducts = weights.mul(dweights - along).mul(options.scale);
        const auto dscores = (options.cap == 0 ? dproducts : dproducts.mul(cap_slope(scores, options.cap))).to(q.scalar_type());
        dq.narrow(0, segment.start, segment.count).copy_(rows.scattered(at::bmm(dscores, keys)));
        rows.add(at::bmm(dscores.transpose(1, 2), queries), dk);
    }
    return {dq, dk.to(k.scalar_type()), dv.to(v.scalar_type())};
}

}  // namespace

at::Tensor ComposedKernels::segment_attention(
    const at::Tensor &q, const at::Tensor &k, const at::Tensor &v, const Segments &segments,
    const ct_attention &options) const {
    return differentiable({q, k, v}, [&]() -> Computed {
        return {
            {forward(q, k, v, segments, options)}, {q, k, v},
            [segments, options](const Tensors &saved, const at::Tensor &dout) {
                return backward(saved[0], saved[1], saved[2], segments, options, dout);
            }};
    })[0];
}

}  // namespace ctorch::aten

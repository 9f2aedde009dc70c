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

    /// Softmax of the scores over what each row sees, and the sinks' part of it, `[kv heads, share x rows, 1]`, where there are
    /// some.
    struct Weights {
        at::Tensor seen, sink;
    };

    Weights weights(const at::Tensor &scores, const at::Tensor &sinks) const {
        const auto column = at::arange(seen(), scores.options().dtype(at::kLong));
        const auto last = column.narrow(0, segment.prefix_count, segment.count).unsqueeze(1);
        auto hidden = column > last;
        if (options.window > 0) hidden = hidden.logical_or(column <= last - options.window);
        const auto visible = scores.view({kv_heads, heads / kv_heads, segment.count, seen()})
                                 .masked_fill(hidden, -std::numeric_limits<double>::infinity());
        if (!sinks.defined()) return {visible.softmax(-1).view_as(scores), {}};
        const auto beside = sinks.to(scores.scalar_type()).view({kv_heads, -1, 1, 1}).expand({-1, -1, segment.count, 1});
        const auto all = at::cat({visible, beside}, -1).softmax(-1).view({kv_heads, -1, seen() + 1});
        return {all.narrow(-1, 0, seen()), all.narrow(-1, seen(), 1)};
    }

    /// The sum over rows of each head, `[heads]`, of `[kv heads, share x rows, 1]`.
    at::Tensor sum_of_heads(const at::Tensor &rows) const { return rows.reshape({heads, segment.count}).sum(1); }
};

at::Tensor forward(
    const at::Tensor &q, const at::Tensor &k, const at::Tensor &v, const at::Tensor &sinks, const Segments &segments,
    const ct_attention &options) {
    auto out = at::zeros_like(q, at::MemoryFormat::Contiguous);
    for (const auto &segment : segments) {
        const SegmentRows rows = {segment, q.size(1), k.size(1), q.size(2), options};
        const auto weights = rows.weights(rows.scores(rows.gathered(q), rows.visible(k)), sinks).seen.to(v.scalar_type());
        out.narrow(0, segment.start, segment.count).copy_(rows.scattered(at::bmm(weights, rows.visible(v))));
    }
    return out;
}

Tensors backward(
    const at::Tensor &q, const at::Tensor &k, const at::Tensor &v, const at::Tensor &sinks, const Segments &segments,
    const ct_attention &options, const at::Tensor &dout) {
    const auto type = compute_type(q.scalar_type());
    auto dq = at::zeros(q.sizes(), q.options()), dk = at::zeros(k.sizes(), k.options().dtype(type));
    auto dv = at::zeros_like(dk), dsinks = sinks.defined() ? at::zeros(sinks.sizes(), sinks.options().dtype(type)) : sinks;
    for (const auto &segment : segments) {
        const SegmentRows rows = {segment, q.size(1), k.size(1), q.size(2), options};
        const auto queries = rows.gathered(q), keys = rows.visible(k), incoming = rows.gathered(dout);
        const auto scores = rows.scores(queries, keys);
        const auto [weights, sink] = rows.weights(scores, sinks);
        rows.add(at::bmm(weights.transpose(1, 2).to(q.scalar_type()), incoming), dv);
        const auto dweights = at::bmm(incoming, rows.visible(v).transpose(1, 2)).to(type);
        const auto along = weights.mul(dweights).sum(-1, /*keepdim=*/true);
        const auto dproducts = weights.mul(dweights - along).mul(options.scale);
        const auto dscores = (options.cap == 0 ? dproducts : dproducts.mul(cap_slope(scores, options.cap))).to(q.scalar_type());
        dq.narrow(0, segment.start, segment.count).copy_(rows.scattered(at::bmm(dscores, keys)));
        rows.add(at::bmm(dscores.transpose(1, 2), queries), dk);
        if (sink.defined()) dsinks -= rows.sum_of_heads(sink.mul(along));
    }
    Tensors gradients = {dq, dk.to(k.scalar_type()), dv.to(v.scalar_type())};
    if (sinks.defined()) gradients.push_back(dsinks.to(sinks.scalar_type()));
    return gradients;
}

}  // namespace

at::Tensor ComposedKernels::segment_attention(
    const at::Tensor &q, const at::Tensor &k, const at::Tensor &v, const at::Tensor &sinks, const Segments &segments,
    const ct_attention &options) const {
    Tensors inputs = {q, k, v};
    if (sinks.defined()) inputs.push_back(sinks);
    return differentiable(inputs, [&]() -> Computed {
        return {
            {forward(q, k, v, sinks, segments, options)}, inputs,
            [segments, options](const Tensors &saved, const at::Tensor &dout) {
                const auto sinks = saved.size() > 3 ? saved[3] : at::Tensor();
                return backward(saved[0], saved[1], saved[2], sinks, segments, options, dout);
            }};
    })[0];
}

}  // namespace ctorch::aten

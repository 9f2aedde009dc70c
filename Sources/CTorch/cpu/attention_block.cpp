#include "attention_block.h"

#include <cstring>
#include <vector>

namespace ctorch::cpu {

namespace {

/// Tokens whose scores stay in the first-level cache while panels of channels pass by.
constexpr int64_t token_block = 48;

/// `scores [count, stride] = rows x runsᵀ`: whole panels of tokens, for the queries that see some of them.
void score(
    const QueryBlock &block, const AttentionShape &shape, const float *rows, const Run &prefix, const Run &own,
    float *scores) {
    const int64_t stride = block.stride(), channels = shape.channels, row_stride = shape.query_stride();
    for (int64_t t = block.first_prefix(); t < block.prefix; t += panel_width) {
        multiply(rows, row_stride, block.count, prefix.panels + t * channels, channels, scores + t, stride);
    }
    for (int64_t t = block.first_own(); t < block.own(); t += panel_width) {
        const int64_t first = std::max<int64_t>(0, t - block.before);
        multiply(
            rows + first * row_stride, row_stride, block.count - first, own.panels + t * channels, channels,
            scores + first * stride + block.own_column() + t, stride);
    }
}

/// Adds what tokens `start ..< start + depth` of a run give to the queries from `first` on.
void weigh_piece(
    const QueryBlock &block, const float *weights, const Run &run, int64_t start, int64_t depth, int64_t first,
    int64_t width, float *sums) {
    for (int64_t c = 0; c < width; c += panel_width) {
        multiply_add(
            weights + first * block.stride() + start, block.stride(), block.count - first,
            run.panels + c * run.count + start * panel_width, depth, sums + first * width + c, width);
    }
}

/// `sums [count, width] = weights x runs`, the runs in panels of channels.
void weigh(
    const QueryBlock &block, const float *weights, const Run &prefix, const Run &own, int64_t width, float *sums) {
    std::memset(sums, 0, block.count * width * sizeof(float));
    for (int64_t k = block.first_prefix(); k < block.prefix; k += depth_block) {
        weigh_piece(block, weights, prefix, k, std::min(depth_block, block.prefix - k), 0, width, sums);
    }
    weights += block.own_column();
    for (int64_t k = block.first_own(); k < block.before; k += depth_block) {
        weigh_piece(block, weights, own, k, std::min(depth_block, block.before - k), 0, width, sums);
    }
    for (int64_t k = 0; k < block.count; k += panel_width) {
        const int64_t depth = std::min(panel_width, block.count - k);
        weigh_piece(block, weights, own, block.before + k, depth, k, width, sums);
    }
}

/// Adds `weightsᵀ x queries` to `out [tokens, width]`, for `tokens` whose scores start at `weights` and that all `queries` see.
void scatter_piece(
    const float *weights, int64_t stride, int64_t tokens, const float *panels, int64_t queries, int64_t panel_stride,
    int64_t width, float *out) {
    for (int64_t t = 0; t < tokens; t += token_block) {
        const int64_t count = std::min(token_block, tokens - t);
        for (int64_t c = 0; c < width; c += panel_width) {
            multiply_add_transposed(
                weights + t, stride, count, panels + c / panel_width * panel_stride, queries, out + t * width + c,
                width);
        }
    }
}

/// Adds `weightsᵀ x queries` to the rows of `prefix` and `own`, the queries in panels of channels.
void scatter(
    const QueryBlock &block, const float *weights, const float *panels, int64_t width, float *prefix, float *own) {
    const int64_t stride = block.stride(), panel_stride = block.count * panel_width;
    const auto all_see = [&](const float *scores, int64_t first, int64_t end, float *out) {
        scatter_piece(scores + first, stride, end - first, panels, block.count, panel_stride, width, out + first * width);
    };
    all_see(weights, block.first_prefix(), block.prefix, prefix);
    weights += block.own_column();
    all_see(weights, block.first_own(), block.before, own);
    for (int64_t k = 0; k < block.count; k += panel_width) {
        scatter_piece(
            weights + k * stride + block.before + k, stride, std::min(panel_width, block.count - k),
            panels + k * panel_width, block.count - k, panel_stride, width, own + (block.before + k) * width);
    }
}

CT_INLINE float exponentials(float *x, int64_t count, float scale, float largest) {
#pragma clang fp reassociate(on) contract(fast)
    float sum = 0;
    for (int64_t i = 0; i < count; i++) {
        x[i] = fast_exp(scale * (x[i] - largest));
        sum += x[i];
    }
    return sum;
}

/// Scores of a prefix and own rows become `e^(scale (score - largest))`; a sink adds its own, `scale` times `sink`, to the sum.
CT_KERNEL void soften(
    float *prefix, int64_t prefix_count, float *own, int64_t visible, float scale, float sink, Normalizer *out) {
    const float largest = std::max(sink, std::max(maximum(prefix, prefix_count), maximum(own, visible)));
    const float sum = exponentials(prefix, prefix_count, scale, largest) + exponentials(own, visible, scale, largest)
        + fast_exp(scale * (sink - largest));
    *out = {largest, 1.0f / sum};
}

CT_KERNEL void soften_again(float *x, int64_t count, float scale, const Normalizer &normalizer) {
    for (int64_t i = 0; i < count; i++) x[i] = fast_exp(scale * (x[i] - normalizer.largest)) * normalizer.factor;
}

CT_KERNEL float along(const float *weights, const float *gradients, int64_t count) {
    return dot(weights, gradients, count);
}

/// `gradients = scale weights (gradients - along)`.
CT_KERNEL void soften_backward(const float *weights, float *gradients, int64_t count, float along, float scale) {
    for (int64_t i = 0; i < count; i++) gradients[i] = weights[i] * (gradients[i] - along) * scale;
}

CT_KERNEL void scaled(const float *x, float factor, float *out, int64_t count) {
    for (int64_t i = 0; i < count; i++) out[i] = x[i] * factor;
}

/// Products of queries and keys become scores.
CT_KERNEL void cap_scores(float *x, int64_t count, const ScoreShape &shape) {
    const float factor = shape.scale / shape.cap;
    for (int64_t i = 0; i < count; i++) x[i] = shape.cap * fast_tanh(x[i] * factor);
}

/// `slopes` of the cap at capped scores.
CT_KERNEL void cap_slopes(const float *x, int64_t count, float cap, float *slopes) {
    for (int64_t i = 0; i < count; i++) slopes[i] = 1.0f - x[i] / cap * (x[i] / cap);
}

CT_KERNEL void multiply_by(float *x, const float *factors, int64_t count) {
    for (int64_t i = 0; i < count; i++) x[i] *= factors[i];
}

/// What one query sees of a row of scores.
struct Sight {
    float *prefix, *own;
    int64_t prefix_count, own_count;

    Sight(const QueryBlock &block, int64_t query, float *row)
        : prefix(row + block.past_prefix(query)), own(row + block.own_column() + block.past_own(query)),
          prefix_count(block.prefix - block.past_prefix(query)),
          own_count(block.before + query + 1 - block.past_own(query)) {}

    /// Makes 0 of what products read beside it: what is past, and own rows up to the end of a panel.
    void hide_others(const QueryBlock &block, float *row) const {
        float *own_row = row + block.own_column();
        std::fill(row + block.first_prefix(), prefix, 0.0f);
        std::fill(own_row + block.first_own(), own, 0.0f);
        const int64_t end = own - own_row + own_count;
        std::fill(own_row + end, own_row + padded(end), 0.0f);
    }
};

}  // namespace

BlockScratch BlockScratch::of(const QueryBlock &block, const AttentionShape &shape) {
    static thread_local std::vector<float> memory;
    const int64_t scores = block_queries * block.stride(), rows = block_queries * shape.width();
    if (memory.size() < static_cast<size_t>(2 * (scores + rows))) memory.resize(2 * (scores + rows));
    float *start = memory.data();
    return {start, start + scores, start + 2 * scores, start + 2 * scores + rows};
}

void attend(
    const QueryBlock &block, const AttentionShape &shape, const ScoreShape &scores, const ForwardRuns &runs, float sink,
    const float *query, float *out, Normalizer *normalizers) {
    const auto scratch = BlockScratch::of(block, shape);
    const int64_t width = shape.width();
    score(block, shape, query, runs.prefix_keys, runs.own_keys, scratch.weights);
    for (int64_t i = 0; i < block.count; i++) {
        float *row = scratch.weights + i * block.stride();
        const Sight seen(block, i, row);
        if (scores.cap != 0) {
            cap_scores(seen.prefix, seen.prefix_count, scores);
            cap_scores(seen.own, seen.own_count, scores);
        }
        const float scale = scores.cap == 0 ? scores.scale : 1.0f;
        soften(
            seen.prefix, seen.prefix_count, seen.own, seen.own_count, scale, sink / scale, normalizers + i * shape.heads);
        seen.hide_others(block, row);
    }
    weigh(block, scratch.weights, runs.prefix_values, runs.own_values, width, scratch.sums);
    for (int64_t i = 0; i < block.count; i++) {
        const float factor = normalizers[i * shape.heads].factor;
        scaled(scratch.sums + i * width, factor, out + i * shape.query_stride(), shape.channels);
    }
}

void attend_backward(
    const QueryBlock &block, const AttentionShape &shape, const ScoreShape &scores, const BackwardRuns &runs,
    const float *query, const float *dout, const Normalizer *normalizers, float *dquery,
    const KeyGradients &gradients, const SinkGradient &sink) {
    const auto scratch = BlockScratch::of(block, shape);
    const int64_t width = shape.width(), stride = shape.query_stride();
    float *weights = scratch.weights, *dscores = scratch.gradients;
    static thread_local std::vector<float> slopes;
    if (scores.cap != 0 && slopes.size() < static_cast<size_t>(block.stride())) slopes.resize(block.stride());
    score(block, shape, query, runs.prefix_keys, runs.own_keys, weights);
    score(block, shape, dout, runs.prefix_values, runs.own_values, dscores);
    for (int64_t i = 0; i < block.count; i++) {
        float *row = weights + i * block.stride(), *drow = dscores + i * block.stride();
        const Sight seen(block, i, row), dseen(block, i, drow);
        const int64_t prefix = seen.prefix_count, own = seen.own_count;
        if (scores.cap != 0) {
            cap_scores(seen.prefix, prefix, scores);
            cap_scores(seen.own, own, scores);
            cap_slopes(seen.prefix, prefix, scores.cap, slopes.data());
            cap_slopes(seen.own, own, scores.cap, slopes.data() + prefix);
        }
        const Normalizer &normalizer = normalizers[i * shape.heads];
        const float scale = scores.cap == 0 ? scores.scale : 1.0f;
        soften_again(seen.prefix, prefix, scale, normalizer);
        soften_again(seen.own, own, scale, normalizer);
        // The same as the product of output and its gradient, but that one is rounded on its own and leaves a remainder.
        const float sum = along(seen.prefix, dseen.prefix, prefix) + along(seen.own, dseen.own, own);
        if (sink.parts != nullptr) {
            float weight = sink.sink / scale;
            soften_again(&weight, 1, scale, normalizer);
            sink.parts[i * shape.heads] = -weight * sum;
        }
        soften_backward(seen.prefix, dseen.prefix, prefix, sum, scores.scale);
        soften_backward(seen.own, dseen.own, own, sum, scores.scale);
        if (scores.cap != 0) {
            multiply_by(dseen.prefix, slopes.data(), prefix);
            multiply_by(dseen.own, slopes.data() + prefix, own);
        }
        seen.hide_others(block, row);
        dseen.hide_others(block, drow);
    }
    weigh(block, dscores, runs.prefix_key_channels, runs.own_key_channels, width, scratch.sums);
    for (int64_t i = 0; i < block.count; i++) {
        std::memcpy(dquery + i * stride, scratch.sums + i * width, shape.channels * sizeof(float));
    }
    pack(by_channels(query, stride, block.count, shape.channels), scratch.panels);
    scatter(block, dscores, scratch.panels, width, gradients.prefix_keys, gradients.own_keys);
    pack(by_channels(dout, stride, block.count, shape.channels), scratch.panels);
    scatter(block, weights, scratch.panels, width, gradients.prefix_values, gradients.own_values);
}

}  // namespace ctorch::cpu

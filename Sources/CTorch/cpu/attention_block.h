// Attention of one block of queries of one head, forward and backward, as products with panels.
#pragma once

#include "panels.h"

namespace ctorch::cpu {

/// How many queries share a score matrix: few enough for the second-level cache to hold it.
constexpr int64_t block_queries = 64;

struct AttentionShape {
    int64_t heads, kv_heads, channels;
    int64_t query_stride() const { return heads * channels; }
    int64_t kv_stride() const { return kv_heads * channels; }
    int64_t share() const { return heads / kv_heads; }
    /// Channels with those that fill the last panel.
    int64_t width() const { return padded(channels); }
};

/// A run of rows of one head's keys or values, in panels of 16 tokens `[⌈count / 16⌉, channels, 16]`, or of 16 channels
/// `[⌈channels / 16⌉, count, 16]`.
struct Run {
    const float *panels = nullptr;
    int64_t count = 0;
};

/// The rows of one head, `[count, channels]` at a distance of `stride`, for panels of tokens.
inline Factor by_tokens(const float *rows, int64_t stride, int64_t count, int64_t channels) {
    return {rows, count, channels, stride, 1};
}

/// The same rows for panels of channels.
inline Factor by_channels(const float *rows, int64_t stride, int64_t count, int64_t channels) {
    return {rows, channels, count, 1, stride};
}

/// A block of queries of a segment: they see the segment's prefix, and its own rows up to their own; of all these the last
/// `window`, where it is not 0.
struct QueryBlock {
    /// Row of the first query.
    int64_t first;
    int64_t count;
    /// Rows of the segment before the first query.
    int64_t before;
    int64_t prefix;
    int64_t window;

    int64_t own() const { return before + count; }
    /// Tokens of the prefix, and of the segment, that are past for a query.
    int64_t past_prefix(int64_t query) const { return std::min(past(query), prefix); }
    int64_t past_own(int64_t query) const { return past(query) - past_prefix(query); }
    /// Where the panels begin that some query sees.
    int64_t first_prefix() const { return past_prefix(0) / panel_width * panel_width; }
    int64_t first_own() const { return past_own(0) / panel_width * panel_width; }
    /// Where scores of own rows start, behind those of the prefix.
    int64_t own_column() const { return padded(prefix); }
    /// The distance of two queries' scores: never a power of two, at which rows displace each other in a cache.
    int64_t stride() const { return (own_column() + padded(own())) | panel_width; }

private:
    int64_t past(int64_t query) const {
        return window == 0 ? 0 : std::max<int64_t>(0, prefix + before + query + 1 - window);
    }
};

/// From products of queries and keys to what the softmax is taken of: times `scale`, then `cap tanh(s / cap)` unless `cap` is 0.
struct ScoreShape {
    float scale, cap;
};

/// The memory that a block's functions work in, kept by each thread.
struct BlockScratch {
    float *weights, *gradients, *sums, *panels;
    static BlockScratch of(const QueryBlock &block, const AttentionShape &shape);
};

/// Keys by tokens, values by channels.
struct ForwardRuns {
    Run prefix_keys, own_keys, prefix_values, own_values;
};

/// `out [count, channels]` of one head's `query [count, channels]`, and each query's normalizer, `heads` apart. `sink` is one
/// more score; `no_sink` for none.
void attend(
    const QueryBlock &block, const AttentionShape &shape, const ScoreShape &scores, const ForwardRuns &runs, float sink,
    const float *query, float *out, Normalizer *normalizers);

/// Keys by tokens and by channels, values by tokens.
struct BackwardRuns {
    Run prefix_keys, own_keys, prefix_key_channels, own_key_channels, prefix_values, own_values;
};

/// Where a block adds to the gradients of what it saw: `[rows, width]` each.
struct KeyGradients {
    float *prefix_keys, *own_keys, *prefix_values, *own_values;
};

/// A head's sink, and where each query's part of its gradient goes, `heads` apart; to nowhere without a sink.
struct SinkGradient {
    float sink = no_sink;
    float *parts = nullptr;
};

/// The gradient of one head's queries, `dquery`, from `dout`, that of what ``attend`` gave; adds to those of keys and values.
void attend_backward(
    const QueryBlock &block, const AttentionShape &shape, const ScoreShape &scores, const BackwardRuns &runs, const float *query,
    const float *dout, const Normalizer *normalizers, float *dquery, const KeyGradients &gradients,
    const SinkGradient &sink);

}  // namespace ctorch::cpu

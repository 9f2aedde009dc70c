#include "arithmetic.h"
#include "cpu_kernels.h"

#include <numeric>

namespace ctorch::cpu {

namespace {

/// Philox4x32-10 (Salmon et al., 2011): four words for counter `(block, counter)` under `key`.
CT_INLINE void philox(uint64_t key, uint64_t counter, uint32_t block, uint32_t *out) {
    uint32_t c0 = block, c1 = static_cast<uint32_t>(counter), c2 = static_cast<uint32_t>(counter >> 32), c3 = 0;
    uint32_t k0 = static_cast<uint32_t>(key), k1 = static_cast<uint32_t>(key >> 32);
    for (int round = 0; round < 10; round++) {
        const uint64_t p0 = uint64_t(0xD2511F53u) * c0, p1 = uint64_t(0xCD9E8D57u) * c2;
        const uint32_t n0 = static_cast<uint32_t>(p1 >> 32) ^ c1 ^ k0, n2 = static_cast<uint32_t>(p0 >> 32) ^ c3 ^ k1;
        c1 = static_cast<uint32_t>(p1);
        c3 = static_cast<uint32_t>(p0);
        c0 = n0;
        c2 = n2;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    out[0] = c0, out[1] = c1, out[2] = c2, out[3] = c3;
}

constexpr int64_t block_tokens = 256;

/// Uniform variates in (0, 1) for tokens `first ..< first + 256`.
CT_KERNEL void uniforms(uint64_t key, uint64_t counter, int64_t first, float *out) {
    uint32_t words[block_tokens];
    for (int64_t i = 0; i < block_tokens / 4; i++) {
        philox(key, counter, static_cast<uint32_t>(first / 4 + i), words + 4 * i);
    }
    // 24 bits, centred, so that neither 0 nor 1 comes up.
    for (int64_t i = 0; i < block_tokens; i++) out[i] = (static_cast<float>(words[i] >> 8) + 0.5f) * 0x1p-24f;
}

/// `weights = e^(logits - largest)`; returns their sum.
CT_KERNEL double exponentials(const float *logits, float scale, float largest, float *weights, int64_t count) {
#pragma clang fp reassociate(on) contract(fast)
    double total = 0;
    for (int64_t start = 0; start < count; start += block_tokens) {
        const int64_t end = std::min(count, start + block_tokens);
        float sum = 0;
        for (int64_t i = start; i < end; i++) {
            weights[i] = fast_exp((logits[i] - largest) * scale);
            sum += weights[i];
        }
        total += sum;
    }
    return total;
}

CT_KERNEL float largest_of(const float *x, int64_t count) { return maximum(x, count); }

/// Weights are sorted coarsely by exponent and four more bits. The largest weight is 1.
constexpr int bucket_shift = 19;
constexpr uint32_t bucket_count = (std::bit_cast<uint32_t>(1.0f) >> bucket_shift) + 1;

CT_INLINE uint32_t bucket_of(float weight) {
    return std::min(std::bit_cast<uint32_t>(weight) >> bucket_shift, bucket_count - 1);
}

/// Zeroes the weights outside `top_p` as ``filter`` does, and sorts only those near the nucleus's edge. Returns false,
/// having changed nothing, where sums in another order might end the nucleus at another token.
bool filter_nucleus(float *weights, int64_t count, double top_p) {
    double sums[bucket_count] = {};
    for (int64_t i = 0; i < count; i++) sums[bucket_of(weights[i])] += weights[i];
    double total = 0;
    for (const double sum : sums) total += sum;
    // A sum of `count` positive terms, in whatever order, is off by less than `count` roundings.
    const double wanted = top_p * total, margin = 4 * static_cast<double>(count) * 0x1p-52 * total;
    double heavier = 0;
    uint32_t edge = bucket_count - 1;
    while (edge > 0 && heavier + sums[edge] < wanted) heavier += sums[edge--];
    static thread_local std::vector<std::pair<float, int64_t>> near;
    near.clear();
    for (int64_t i = 0; i < count; i++) {
        if (bucket_of(weights[i]) == edge) near.emplace_back(weights[i], i);
    }
    std::sort(near.begin(), near.end(), [](const auto &a, const auto &b) {
        return a.first != b.first ? a.first > b.first : a.second < b.second;
    });
    size_t kept = 0;
    double sum = heavier, before = heavier;
    while (kept < near.size() && sum < wanted) before = sum, sum += near[kept++].first;
    const bool is_first = edge == bucket_count - 1 && kept <= 1;
    if (!(sum >= wanted + margin) || (!is_first && !(before < wanted - margin))) return false;
    for (int64_t i = 0; i < count; i++) {
        if (bucket_of(weights[i]) < edge) weights[i] = 0;
    }
    for (; kept < near.size(); kept++) weights[near[kept].second] = 0;
    return true;
}

/// Zeroes the weights outside `top_k` and `top_p`, in this order, as the ecosystem's samplers do.
void filter(float *weights, int64_t count, int64_t top_k, double top_p) {
    if ((top_k <= 0 || top_k >= count) && filter_nucleus(weights, count, top_p)) return;
    std::vector<int64_t> order(count);
    std::iota(order.begin(), order.end(), 0);
    const auto heavier = [&](int64_t a, int64_t b) { return weights[a] != weights[b] ? weights[a] > weights[b] : a < b; };
    int64_t kept = count;
    if (top_k > 0 && top_k < count) {
        std::nth_element(order.begin(), order.begin() + top_k, order.end(), heavier);
        kept = top_k;
    }
    if (top_p < 1) {
        std::sort(order.begin(), order.begin() + kept, heavier);
        double total = 0, sum = 0;
        for (int64_t i = 0; i < kept; i++) total += weights[order[i]];
        int64_t nucleus = 0;
        while (nucleus < kept && (nucleus == 0 || sum < top_p * total)) sum += weights[order[nucleus++]];
        kept = nucleus;
    }
    for (int64_t i = kept; i < count; i++) weights[order[i]] = 0;
}

/// The winner of an exponential race: token `i` arrives at time `Eᵢ / weightᵢ`, with `E` standard exponential.
int64_t race(const float *weights, int64_t count, uint64_t key, uint64_t counter) {
    float uniform[block_tokens];
    double best = 0;
    int64_t winner = 0;
    for (int64_t start = 0; start < count; start += block_tokens) {
        uniforms(key, counter, start, uniform);
        const int64_t size = std::min(block_tokens, count - start);
        for (int64_t i = 0; i < size; i++) {
            const double weight = weights[start + i];
            // -log(u) >= 1 - u: most tokens lose without a logarithm.
            if (weight <= best * (1.0 - uniform[i])) continue;
            const double speed = weight / -std::log(static_cast<double>(uniform[i]));
            if (speed > best) best = speed, winner = start + i;
        }
    }
    return winner;
}

void sample_row(
    const float *source, int64_t vocabulary, const ct_sampling &options, bool suppress, uint64_t key, uint64_t counter,
    int64_t *token, float *logp) {
    static thread_local std::vector<float> weights, changed;
    weights.resize(vocabulary);
    const float *logits = source;
    if (suppress && options.suppressed_count > 0) {
        changed.assign(source, source + vocabulary);
        for (size_t i = 0; i < options.suppressed_count; i++) changed[options.suppressed[i]] = -INFINITY;
        logits = changed.data();
    }
    const bool greedy = options.temperature == 0;
    const float scale = greedy ? 1.0f : static_cast<float>(1 / options.temperature);
    const float largest = largest_of(logits, vocabulary);
    const double total = exponentials(logits, scale, largest, weights.data(), vocabulary);
    if (greedy) {
        *token = std::max_element(logits, logits + vocabulary) - logits;
    } else {
        // Logits that are not numbers have no order.
        const bool filters = (options.top_k > 0 && options.top_k < vocabulary) || options.top_p < 1;
        if (filters && std::isfinite(total)) {
            filter(weights.data(), vocabulary, options.top_k, options.top_p);
        }
        *token = race(weights.data(), vocabulary, key, counter);
    }
    *logp = static_cast<float>(static_cast<double>((logits[*token] - largest) * scale) - std::log(total));
}

}  // namespace

void CPUKernels::sample(
    const at::Tensor &logits, const ct_sampling &options, const SampledStreams &streams,
    const SampledRows &out) const {
    const auto x = checked(logits, 2, "logits");
    const int64_t vocabulary = x.size(1);
    parallel(x.size(0), [&](int64_t row) {
        sample_row(
            floats(x) + row * vocabulary, vocabulary, options, streams.suppresses[row] != 0, streams.keys[row],
            streams.counters[row], out.tokens + row, out.logps + row);
    });
}

}  // namespace ctorch::cpu

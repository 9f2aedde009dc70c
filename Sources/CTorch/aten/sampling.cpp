#include "composed_kernels.h"

#include <ATen/ops/arange.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros_like.h>
#include <limits>

namespace ctorch::aten {

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr int64_t low_bits = 0xffffffff;

/// The host's 64-bit numbers, a row each: `[rows, 1]`.
at::Tensor column(const uint64_t *numbers, int64_t rows, const at::Device &device) {
    return at::from_blob(const_cast<uint64_t *>(numbers), {rows, 1}, at::kLong).clone().to(device);
}

/// Both halves of a product of 32-bit words, which lie in int64: no step passes 2⁴⁹.
struct Product {
    at::Tensor high, low;

    Product(int64_t factor, const at::Tensor &words) {
        const auto upper = words * (factor >> 16), lower = words * (factor & 0xffff);
        const auto sum = upper.bitwise_and(0xffff).mul(0x10000) + lower;
        low = sum.bitwise_and(low_bits);
        high = upper.bitwise_right_shift(16) + sum.bitwise_right_shift(32);
    }
};

/// Philox4x32-10 (Salmon et al., 2011), as the kernels of cpu/ compute it: uniform variates in (0, 1) for each token,
/// `[rows, vocabulary]`.
at::Tensor uniforms(const at::Tensor &keys, const at::Tensor &counters, int64_t vocabulary) {
    const auto half = [](const at::Tensor &numbers, int64_t shift) {
        return numbers.bitwise_right_shift(shift).bitwise_and(low_bits);
    };
    const auto blocks = at::arange((vocabulary + 3) / 4, keys.options()).unsqueeze(0);
    auto c0 = blocks.expand({keys.size(0), -1}), c1 = half(counters, 0), c2 = half(counters, 32), c3 = c2 * 0;
    auto k0 = half(keys, 0), k1 = half(keys, 32);
    for (int round = 0; round < 10; round++) {
        const Product p0(0xD2511F53, c0), p1(0xCD9E8D57, c2);
        c0 = p1.high.bitwise_xor(c1).bitwise_xor(k0);
        c2 = p0.high.bitwise_xor(c3).bitwise_xor(k1);
        c1 = p1.low;
        c3 = p0.low;
        k0 = (k0 + 0x9E3779B9).bitwise_and(low_bits);
        k1 = (k1 + 0xBB67AE85).bitwise_and(low_bits);
    }
    return at::stack({c0, c1, c2, c3}, 2)
        .flatten(1)
        .narrow(1, 0, vocabulary)
        .bitwise_right_shift(8)
        .to(at::kFloat)
        .add(0.5)
        .mul(0x1p-24);
}

/// `weights [rows, vocabulary]`, with 0 outside `top_k` and `top_p`, in this order.
at::Tensor filtered(const at::Tensor &weights, int64_t top_k, double top_p) {
    auto [sorted, order] = weights.sort(/*stable=*/true, /*dim=*/1, /*descending=*/true);
    if (top_k > 0 && top_k < weights.size(1)) {
        sorted = sorted.masked_fill(at::arange(weights.size(1), order.options()).ge(top_k).unsqueeze(0), 0);
    }
    if (top_p < 1) {
        const auto exact = sorted.to(at::kDouble), sums = exact.cumsum(1);
        const auto before = sums - exact;
        auto outside = before.ge(exact.sum(1, /*keepdim=*/true) * top_p);
        outside.select(1, 0).fill_(false);
        sorted = sorted.masked_fill(outside, 0);
    }
    const auto kept = at::zeros_like(weights).scatter(1, order, sorted);
    // Logits that are not numbers have no order.
    return at::where(weights.sum(1, /*keepdim=*/true).isfinite(), kept, weights);
}

}  // namespace

void ComposedKernels::sample(
    const at::Tensor &source, const ct_sampling &options, const SampledStreams &streams,
    const SampledRows &out) const {
    const int64_t rows = source.size(0), vocabulary = source.size(1);
    if (rows == 0) return;
    const auto device = source.device();
    auto logits = source.detach().to(compute_type(source.scalar_type()));
    if (options.suppressed_count > 0) {
        const auto ids = at::from_blob(
                             const_cast<int64_t *>(options.suppressed),
                             {static_cast<int64_t>(options.suppressed_count)}, at::kLong).clone().to(device);
        const auto chosen = at::from_blob(const_cast<uint8_t *>(streams.suppresses), {rows, 1}, at::kByte).clone();
        logits = at::where(chosen.to(device).ne(0), logits.index_fill(1, ids, -infinity), logits);
    }
    const bool greedy = options.temperature == 0;
    const double scale = greedy ? 1 : 1 / options.temperature;
    const auto numbers = logits.masked_fill(logits.isnan(), -infinity);
    const auto scaled = (logits - numbers.amax(1, /*keepdim=*/true)).mul(scale);
    auto weights = scaled.exp();
    const auto total = weights.to(at::kDouble).sum(1, /*keepdim=*/true);
    at::Tensor winners;
    if (greedy) {
        winners = numbers.argmax(1, /*keepdim=*/true);
    } else {
        if ((options.top_k > 0 && options.top_k < vocabulary) || options.top_p < 1) {
            weights = filtered(weights, options.top_k, options.top_p);
        }
        const auto noise = uniforms(
            column(streams.keys, rows, device), column(streams.counters, rows, device), vocabulary);
        // An exponential race: token `i` arrives at time `Eᵢ / weightᵢ`.
        const auto speeds = weights.to(at::kDouble).div(noise.to(at::kDouble).log().neg());
        winners = speeds.masked_fill(speeds.isnan(), 0).argmax(1, /*keepdim=*/true);
    }
    const auto logps = scaled.gather(1, winners).to(at::kDouble) - total.log();
    // Token ids are whole numbers that float64 holds exactly, so that one copy brings both.
    const auto host = at::stack({winners.to(at::kDouble), logps}).cpu().contiguous();
    const double *numbers_of_rows = host.const_data_ptr<double>();
    for (int64_t row = 0; row < rows; row++) {
        out.tokens[row] = static_cast<int64_t>(numbers_of_rows[row]);
        out.logps[row] = static_cast<float>(numbers_of_rows[rows + row]);
    }
}

}  // namespace ctorch::aten

#include "compiled.h"

// Compiled once for each type of numbers. Sums over a row are by one block, in an order that depends on the row alone.
const char *const ctorch::cuda::kernel_source = R"CUDA(
typedef long long Int;
typedef unsigned long long Word;

struct Bfloat16 { unsigned short bits; };

__device__ inline float read(float x) { return x; }
__device__ inline float read(Bfloat16 x) { return __uint_as_float((unsigned)x.bits << 16); }
__device__ inline void write(float &target, float x) { target = x; }
__device__ inline void write(Bfloat16 &target, float x) {
    const unsigned bits = __float_as_uint(x);
    // To the nearest, or the even one of two.
    target.bits = x != x ? 0x7fc0 : (unsigned short)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

#define infinity __int_as_float(0x7f800000)

/// The combination of all threads' values of a block of 32 warps at most, in a fixed order; every thread gets it.
template <typename Value, typename Combine>
__device__ Value combined(Value value, Combine combine) {
    __shared__ Value warps[32];
    const int lane = threadIdx.x & 31, warp = threadIdx.x >> 5, count = blockDim.x >> 5;
    for (int step = 16; step > 0; step >>= 1) {
        Value other;
        const unsigned *from = (const unsigned *)&value;
        unsigned *to = (unsigned *)&other;
        for (int i = 0; i < sizeof(Value) / 4; i++) to[i] = __shfl_down_sync(0xffffffffu, from[i], step);
        if (lane + step < 32) value = combine(value, other);
    }
    __syncthreads();
    if (lane == 0) warps[warp] = value;
    __syncthreads();
    Value all = warps[0];
    for (int i = 1; i < count; i++) all = combine(all, warps[i]);
    return all;
}

/// Rotates the first `2 x half` channels of `count` numbers `[rows, heads, channels]`.
extern "C" __global__ void rotary(
    const NUMBER *input, const float *cosine, const float *sine, NUMBER *output, Int count, Int heads, Int channels, Int half,
    float direction) {
    const Int index = blockIdx.x * (Int)blockDim.x + threadIdx.x;
    if (index >= count) return;
    const Int channel = index % channels;
    if (channel >= 2 * half) {
        output[index] = input[index];
        return;
    }
    const bool first = channel < half;
    const Int angle = index / (channels * heads) * half + (first ? channel : channel - half);
    const float x = read(input[index]), other = read(input[first ? index + half : index - half]);
    const float s = direction * sine[angle];
    write(output[index], x * cosine[angle] + other * (first ? -s : s));
}

/// Each row of `output [count, width]` is the sum of the rows of `input` at its places, `places[ends[row - 1] ..< ends[row]]`.
extern "C" __global__ void sum_places(
    const NUMBER *input, const Int *ends, const Int *places, NUMBER *output, Int count, Int width) {
    const Int index = blockIdx.x * (Int)blockDim.x + threadIdx.x;
    if (index >= count * width) return;
    const Int row = index / width, channel = index % width;
    float sum = 0;
    for (Int i = row == 0 ? 0 : ends[row - 1]; i < ends[row]; i++) sum += read(input[places[i] * width + channel]);
    write(output[index], sum);
}

extern "C" __global__ void silu_gate(const NUMBER *gate, const NUMBER *up, NUMBER *output, Int count) {
    const Int index = blockIdx.x * (Int)blockDim.x + threadIdx.x;
    if (index >= count) return;
    const float g = read(gate[index]);
    write(output[index], g / (1 + expf(-g)) * read(up[index]));
}

extern "C" __global__ void silu_gate_backward(
    const NUMBER *gate, const NUMBER *up, const NUMBER *gradient, NUMBER *dgate, NUMBER *dup, Int count) {
    const Int index = blockIdx.x * (Int)blockDim.x + threadIdx.x;
    if (index >= count) return;
    const float g = read(gate[index]), d = read(gradient[index]), share = 1 / (1 + expf(-g));
    write(dgate[index], d * read(up[index]) * share * (1 + g * (1 - share)));
    write(dup[index], d * g * share);
}

/// The softmax of logits, as far as they were read.
struct Softmax {
    float largest, sum, weighted, total;
};

__device__ inline Softmax joined(Softmax a, Softmax b) {
    Softmax all;
    all.largest = fmaxf(a.largest, b.largest);
    // Bounded, for what has read nothing has nothing to be shifted, and 0 times infinity is no number.
    const float i = fmaxf(a.largest - all.largest, -1e4f), j = fmaxf(b.largest - all.largest, -1e4f);
    const float ei = expf(i), ej = expf(j);
    all.sum = a.sum * ei + b.sum * ej;
    all.weighted = (a.weighted + a.sum * i) * ei + (b.weighted + b.sum * j) * ej;
    all.total = a.total + b.total;
    return all;
}

/// Of a row of logits a block: the target's log-probability, the logarithm of the sum, and entropy, mean and whether the target
/// is the largest.
extern "C" __global__ void __launch_bounds__(512) read_logits(
    const float *logits, const Int *targets, Int vocabulary, float temperature, float *logps, float *logsumexp,
    float *statistics) {
    const Int row = blockIdx.x;
    const float *x = logits + row * vocabulary;
    Softmax mine = {-infinity, 0, 0, 0};
    // Eight logits of a thread at a time, so that the largest changes seldom and loads do not wait for each other.
    for (Int start = threadIdx.x; start < vocabulary; start += 8 * blockDim.x) {
        float some[8], largest = -infinity;
        for (int i = 0; i < 8; i++) {
            const Int token = start + i * (Int)blockDim.x;
            some[i] = token < vocabulary ? x[token] / temperature : -infinity;
            largest = fmaxf(largest, some[i]);
        }
        Softmax next = {largest, 0, 0, 0};
        for (int i = 0; i < 8; i++) {
            if (start + i * (Int)blockDim.x >= vocabulary) break;
            const float shifted = fmaxf(some[i] - largest, -1e4f), weight = expf(shifted);
            next.sum += weight;
            next.weighted += weight * shifted;
            next.total += some[i];
        }
        mine = joined(mine, next);
    }
    const Softmax all = combined(mine, joined);
    if (threadIdx.x != 0) return;
    const float target = x[targets[row]] / temperature, log_of_sum = logf(all.sum);
    // What is no number stays none: the largest passes over it, the total does not.
    const float check = all.total - all.total == 0 || isinf(all.total) ? 0 : all.total;
    logps[row] = target - all.largest - log_of_sum + check;
    logsumexp[row] = all.largest + log_of_sum + check;
    statistics[3 * row] = log_of_sum - all.weighted / all.sum + check;
    statistics[3 * row + 1] = all.total / vocabulary;
    statistics[3 * row + 2] = target == all.largest ? 1 : 0;
}

/// Slopes of log-probabilities by logits but for the targets' own: minus the softmax, times the gradient.
extern "C" __global__ void logit_slopes(
    const float *logits, const float *logsumexp, const float *gradients, Int vocabulary, float temperature, NUMBER *slopes) {
    const Int row = blockIdx.x;
    const float shift = logsumexp[row], factor = -gradients[row];
    const float *x = logits + row * vocabulary;
    NUMBER *out = slopes + row * vocabulary;
    for (Int token = threadIdx.x; token < vocabulary; token += blockDim.x) {
        write(out[token], factor * expf(x[token] / temperature - shift));
    }
}

/// Philox4x32-10 (Salmon et al., 2011), as the kernels of the CPU compute it.
__device__ inline void philox(Word key, Word counter, unsigned block, unsigned *out) {
    unsigned c0 = block, c1 = (unsigned)counter, c2 = (unsigned)(counter >> 32), c3 = 0;
    unsigned k0 = (unsigned)key, k1 = (unsigned)(key >> 32);
    for (int round = 0; round < 10; round++) {
        const unsigned h0 = __umulhi(0xD2511F53u, c0), l0 = 0xD2511F53u * c0;
        const unsigned h1 = __umulhi(0xCD9E8D57u, c2), l1 = 0xCD9E8D57u * c2;
        const unsigned n0 = h1 ^ c1 ^ k0, n2 = h0 ^ c3 ^ k1;
        c1 = l1, c3 = l0, c0 = n0, c2 = n2;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    out[0] = c0, out[1] = c1, out[2] = c2, out[3] = c3;
}

struct Best {
    double value;
    Int index;
};

/// The larger one, or the earlier of two.
__device__ inline Best better(Best a, Best b) {
    return b.value > a.value || (b.value == a.value && b.index < a.index) ? b : a;
}

/// A draw from a row of logits a block, by an exponential race; with no temperature the likeliest. `out [2, rows]`: the token
/// and its log-probability.
extern "C" __global__ void __launch_bounds__(512) sample_rows(
    const float *logits, Int vocabulary, const Word *keys, const Word *counters, const Int *suppresses,
    const Int *suppressed, Int suppressed_count, float scale, Int greedy, double *out) {
    const Int row = blockIdx.x;
    const float *x = logits + row * vocabulary;
    const Int hidden = suppresses[row] ? suppressed_count : 0;
    const auto logit = [&](Int token) {
        for (Int i = 0; i < hidden; i++) {
            if (suppressed[i] == token) return -infinity;
        }
        return x[token];
    };
    Best mine = {-infinity, 0x7fffffffffffffff};
    for (Int token = threadIdx.x; token < vocabulary; token += blockDim.x) {
        const float value = logit(token);
        mine = better(mine, {value != value ? -infinity : value, token});
    }
    const Best likeliest = combined(mine, better);
    const float largest = (float)likeliest.value;
    double sum = 0;
    for (Int token = threadIdx.x; token < vocabulary; token += blockDim.x) sum += expf((logit(token) - largest) * scale);
    const double total = combined(sum, [](double a, double b) { return a + b; });
    Int winner = likeliest.index;
    if (!greedy) {
        Best first = {-infinity, 0x7fffffffffffffff};
        for (Int block = threadIdx.x; 4 * block < vocabulary; block += blockDim.x) {
            unsigned words[4];
            philox(keys[row], counters[row], (unsigned)block, words);
            for (int i = 0; i < 4 && 4 * block + i < vocabulary; i++) {
                const Int token = 4 * block + i;
                const float uniform = ((float)(words[i] >> 8) + 0.5f) * 0x1p-24f;
                const float weight = expf((logit(token) - largest) * scale);
                const double speed = (double)weight / -log((double)uniform);
                first = better(first, {speed != speed ? 0 : speed, token});
            }
        }
        winner = combined(first, better).index;
    }
    if (threadIdx.x != 0) return;
    out[row] = (double)winner;
    out[gridDim.x + row] = (double)((logit(winner) - largest) * scale) - log(total);
}
)CUDA";

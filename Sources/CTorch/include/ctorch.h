// A C face of LibTorch: opaque tensor handles, and the fused operators this trainer lives on.
//
// Operators work where their first operand lies and in its type. In cpu/ there are kernels written by hand, for float32 on the
// CPU; in aten/ the same operators composed of LibTorch's own, for every device and type; in cuda/ those that have better ones
// on a card. Weights may be of a wider type than what they are applied to: then so are their gradients, which no rounding
// goes before.
//
// Every function that can fail returns a status: 0 is success. Results go through out-pointers, which a failure leaves
// untouched; `ct_last_error` then tells why. A handle that comes back is owned by the caller and freed with
// `ct_tensor_free`. No C++ exception leaves this library.
#ifndef CTORCH_H
#define CTORCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct ct_tensor ct_tensor;

typedef int32_t ct_status;

/// Element types, numbered as in LibTorch's `c10::ScalarType`.
typedef enum ct_scalar_type {
    CT_UINT8 = 0,
    CT_INT32 = 3,
    CT_INT64 = 4,
    CT_FLOAT16 = 5,
    CT_FLOAT32 = 6,
    CT_FLOAT64 = 7,
    CT_INT8 = 1,
    CT_BOOL = 11,
    CT_BFLOAT16 = 15,
} ct_scalar_type;

/// Devices, numbered as in LibTorch's `c10::DeviceType`.
typedef enum ct_device { CT_CPU = 0, CT_CUDA = 1 } ct_device;

/// What a tensor's elements are and where they lie.
typedef struct ct_placement {
    ct_scalar_type type;
    ct_device device;
    /// Which of several devices; 0 for the CPU.
    int32_t index;
} ct_placement;

// ---- Runtime (runtime.cpp, parallel.cpp, dispatch.cpp)

/// The message of the last failure on this thread; valid until the next failure.
const char *ct_last_error(void);
/// The version of LibTorch that this program was built for, such as "2.13.0".
const char *ct_version(void);
/// The version of the LibTorch that was loaded; empty where it does not say.
const char *ct_loaded_version(void);
/// Keeps freed memory in the heap, so that large temporaries do not pay page faults at every step.
void ct_retain_freed_memory(void);
/// Gives what the heap keeps back to the kernel, once, and what LibTorch keeps of a card's memory back to that.
void ct_release_freed_memory(void);
void ct_set_thread_count(int32_t count);
int32_t ct_thread_count(void);
/// Whether the kernels of this library find LibTorch's threads; else they run on one.
bool ct_finds_threads(void);
/// Runs `body(context, index)` for every index below `count` on this library's threads; returns how many threads took part.
int32_t ct_parallel(int64_t count, void (*body)(void *context, int64_t index), void *context);
/// Turns recording of gradients on or off for this thread and returns what it was.
bool ct_set_gradient_enabled(bool enabled);

/// Who computes what there are several kernels for.
typedef enum ct_kernels {
    /// Those written by hand where they serve, on the CPU in float32; those for CUDA on a card; else the composed ones.
    CT_KERNELS_CPU,
    /// Those composed of LibTorch's operators.
    CT_KERNELS_ATEN,
} ct_kernels;
/// Whether `MPO_KERNELS`, which says what kernels a process starts with, is unset, empty, `cpu` or `aten`.
bool ct_kernels_are_known(void);
ct_kernels ct_get_kernels(void);
/// Sets the kernels of this thread and returns what they were. What is recorded for a backward pass, packed or cached stays
/// with the kernels that made it.
ct_kernels ct_set_kernels(ct_kernels kernels);

// ---- Devices (devices.cpp)

typedef enum ct_cuda_state {
    /// This LibTorch was built for CPUs alone.
    CT_CUDA_ABSENT,
    /// It has a part for CUDA that does not load or finds no device; `ct_last_error` tells why.
    CT_CUDA_UNUSABLE,
    CT_CUDA_USABLE,
} ct_cuda_state;
/// Loads LibTorch's part for CUDA, where there is one, once. To be called before any operator, and only where a device is
/// wanted: what LibTorch answers before, it answers for good.
ct_cuda_state ct_load_cuda(void);
int32_t ct_cuda_count(void);
/// Makes a device this process's own, computing float32 in full precision and, where it is to be deterministic, with the same bits
/// each time.
ct_status ct_use_cuda(int32_t index, bool deterministic);
/// The card's name, at most `size - 1` bytes of it.
ct_status ct_cuda_name(int32_t index, char *out, size_t size);
/// 16 bytes that no other card has.
ct_status ct_cuda_identity(int32_t index, uint8_t out[16]);
ct_status ct_cuda_memory(int32_t index, int64_t *free, int64_t *total);
/// The most bytes that tensors took at a time, and the most that were taken from the card for them, since the last call of
/// `ct_cuda_forget_peak`.
ct_status ct_cuda_peak(int32_t index, int64_t *tensors, int64_t *taken);
ct_status ct_cuda_forget_peak(int32_t index);
/// Waits until all that was asked of a device is done.
ct_status ct_synchronize(ct_placement placement);

// ---- Tensors (tensor.cpp)

void ct_tensor_free(ct_tensor *tensor);
/// Another handle on the same tensor.
ct_status ct_tensor_share(const ct_tensor *tensor, ct_tensor **out);
/// Copies elements of the placement's type from the host.
ct_status ct_from_data(
    const void *data, ct_placement placement, const int64_t *shape, size_t rank, ct_tensor **out);
ct_status ct_full(double value, ct_placement placement, const int64_t *shape, size_t rank, ct_tensor **out);
/// Zeros that take memory only once they are written to, where `placement` is float32 of the CPU.
ct_status ct_unused_zeros(ct_placement placement, int64_t count, ct_tensor **out);
ct_status ct_empty(ct_placement placement, const int64_t *shape, size_t rank, ct_tensor **out);
/// The same of the CPU, in memory that devices copy from and to directly.
ct_status ct_empty_pinned(ct_scalar_type type, const int64_t *shape, size_t rank, ct_tensor **out);
ct_status ct_copy_to_host(const ct_tensor *tensor, ct_scalar_type type, void *destination, size_t bytes);
int64_t ct_rank(const ct_tensor *tensor);
int64_t ct_size(const ct_tensor *tensor, int64_t dimension);
ct_placement ct_placement_of(const ct_tensor *tensor);
bool ct_requires_gradient(const ct_tensor *tensor);
bool ct_is_contiguous(const ct_tensor *tensor);
/// The first element's address, of a tensor of the CPU; it must be contiguous to be read through it.
ct_status ct_data(const ct_tensor *tensor, void **out);

// ---- Views and shapes (views.cpp)

ct_status ct_reshape(const ct_tensor *tensor, const int64_t *shape, size_t rank, ct_tensor **out);
ct_status ct_narrow(const ct_tensor *tensor, int64_t dimension, int64_t start, int64_t count, ct_tensor **out);
ct_status ct_transpose(const ct_tensor *tensor, int64_t first, int64_t second, ct_tensor **out);
ct_status ct_unsqueeze(const ct_tensor *tensor, int64_t dimension, ct_tensor **out);
ct_status ct_contiguous(const ct_tensor *tensor, ct_tensor **out);
/// The tensor itself if it has that placement, else a copy.
ct_status ct_to(const ct_tensor *tensor, ct_placement placement, ct_tensor **out);
ct_status ct_detach(const ct_tensor *tensor, ct_tensor **out);
ct_status ct_clone(const ct_tensor *tensor, ct_tensor **out);
ct_status ct_concatenate(const ct_tensor *const *tensors, size_t count, int64_t dimension, ct_tensor **out);
ct_status ct_index_select(const ct_tensor *tensor, int64_t dimension, const ct_tensor *indices, ct_tensor **out);
ct_status ct_gather(const ct_tensor *tensor, int64_t dimension, const ct_tensor *indices, ct_tensor **out);
/// Sums rows of `tensor` [n, ...] into `groups` rows by `indices` [n].
ct_status ct_sum_groups(const ct_tensor *tensor, const ct_tensor *indices, int64_t groups, ct_tensor **out);

// ---- Operators (operators.cpp)

typedef enum ct_unary {
    CT_NEGATE, CT_EXP, CT_LOG, CT_SIGMOID, CT_LOG_SIGMOID, CT_RELU, CT_SQUARE, CT_ABS, CT_SQRT, CT_TANH, CT_SILU,
    CT_GELU, CT_GELU_TANH, CT_IS_FINITE, CT_SIGN,
} ct_unary;
typedef enum ct_binary {
    CT_ADD, CT_SUBTRACT, CT_MULTIPLY, CT_DIVIDE, CT_MINIMUM, CT_MAXIMUM, CT_GREATER, CT_LESS, CT_EQUAL,
} ct_binary;
typedef enum ct_reduction { CT_SUM, CT_MEAN, CT_MAX, CT_MIN } ct_reduction;

ct_status ct_apply_unary(ct_unary operation, const ct_tensor *input, ct_tensor **out);
ct_status ct_apply_binary(ct_binary operation, const ct_tensor *left, const ct_tensor *right, ct_tensor **out);
ct_status ct_apply_binary_scalar(ct_binary operation, const ct_tensor *left, double right, ct_tensor **out);
ct_status ct_clamp(const ct_tensor *input, double low, double high, ct_tensor **out);
ct_status ct_where(const ct_tensor *condition, const ct_tensor *left, const ct_tensor *right, ct_tensor **out);
ct_status ct_reduce(ct_reduction operation, const ct_tensor *input, ct_tensor **out);
ct_status ct_reduce_dimension(
    ct_reduction operation, const ct_tensor *input, int64_t dimension, bool keep, ct_tensor **out);
ct_status ct_softmax(const ct_tensor *input, int64_t dimension, ct_tensor **out);
ct_status ct_log_softmax(const ct_tensor *input, int64_t dimension, ct_tensor **out);
ct_status ct_matmul(const ct_tensor *left, const ct_tensor *right, ct_tensor **out);
ct_status ct_embedding(const ct_tensor *weight, const ct_tensor *indices, ct_tensor **out);
ct_status ct_layer_norm(
    const ct_tensor *input, const ct_tensor *weight, const ct_tensor *bias, double epsilon, ct_tensor **out);

// In place, without gradients.
ct_status ct_copy_(ct_tensor *tensor, const ct_tensor *source);
ct_status ct_fill_(ct_tensor *tensor, double value);
ct_status ct_add_(ct_tensor *tensor, const ct_tensor *other, double factor);
ct_status ct_multiply_(ct_tensor *tensor, double factor);
/// Fills with normal variates that depend on `seed` alone.
ct_status ct_normal_(ct_tensor *tensor, double mean, double deviation, uint64_t seed);
/// The same with numbers from `low` to `high`, all as likely.
ct_status ct_uniform_(ct_tensor *tensor, double low, double high, uint64_t seed);

// ---- Gradients, parameters, AdamW (parameters.cpp)

ct_status ct_backward(const ct_tensor *loss);
/// `input`, to whose gradient a backward pass adds `gradient`, of the same shape and type.
ct_status ct_adding_gradient(const ct_tensor *input, const ct_tensor *gradient, ct_tensor **out);
/// A leaf that needs gradients: a view of `shape` at `offset` into the flat `values`, whose gradient accumulates in place
/// into the same place of the flat `gradients`.
ct_status ct_parameter_view(
    const ct_tensor *values, const ct_tensor *gradients, int64_t offset, const int64_t *shape, size_t rank,
    ct_tensor **out);
/// Whether this LibTorch knows leaves whose gradients have another type: 1 or 0.
int32_t ct_has_wide_gradients(void);
/// From now on a backward pass finds float32 gradients for the leaf, whichever type it is of itself.
ct_status ct_take_wide_gradient(ct_tensor *leaf);
/// Takes a gradient, which it frees. Called within the backward pass, on its thread.
typedef void (*ct_gradient_receiver)(void *context, ct_tensor *gradient);
/// From now on each gradient that a backward pass finds for the leaf goes to `receive` in place of being added up.
/// `context` is given to `release` with the leaf's end.
ct_status ct_hand_on_gradient(
    ct_tensor *leaf, ct_gradient_receiver receive, void *context, void (*release)(void *context));

typedef struct ct_adamw {
    double learning_rate, beta1, beta2, epsilon, weight_decay;
    /// The number of this step, from 1.
    int64_t step;
} ct_adamw;
/// The Euclidean norm of all elements, in double precision.
ct_status ct_norm(const ct_tensor *input, double *out);
/// Elements of a block of `ct_square_sums`.
int64_t ct_square_block(void);
/// The sums of the squares of blocks of elements, in double precision: each depends on its own elements alone. `out` has room
/// for as many as there are blocks, the last of which may be short.
ct_status ct_square_sums(const ct_tensor *input, double *out);
/// A checksum over the bits of numbers and their order, the same on any number of threads: for weights between processes of
/// one build, not for files.
ct_status ct_checksum(const ct_tensor *input, uint64_t *out);
/// One fused AdamW step over flat buffers of equal length.
ct_status ct_adamw_step(
    ct_tensor *values, ct_tensor *gradients, ct_tensor *first_moments, ct_tensor *second_moments, ct_adamw options);

// ---- Recomputation (recomputation.cpp)

/// From an input, which it frees, to an output, which its caller frees.
typedef ct_tensor *(*ct_body)(void *context, ct_tensor *input);
/// `body(input)`, of which a backward pass keeps `input` alone: it runs `body` again. `context` is given to `release` when
/// no backward pass can need it.
ct_status ct_recomputed(
    const ct_tensor *input, ct_body body, void *context, void (*release)(void *context), ct_tensor **out);

// ---- Fused operators (layers.cpp)

/// `input [n, in] x weight [out, in]ᵀ + bias [out]`; `bias` may be NULL. By the kernels of cpu/, a row's bits depend neither on
/// the other rows nor on the number of threads, and neither do those of `input`'s gradient.
ct_status ct_linear(const ct_tensor *input, const ct_tensor *weight, const ct_tensor *bias, ct_tensor **out);
/// The same by `weight [in, out]`, the layout of GPT-2's checkpoints.
ct_status ct_linear_transposed(const ct_tensor *input, const ct_tensor *weight, const ct_tensor *bias, ct_tensor **out);

/// Two thin matrices whose product is added to a weight (LoRA, arXiv 2106.09685): `down [rank, in]`, `up [out, rank]`.
typedef struct ct_low_rank {
    const ct_tensor *down, *up;
    double scale;
    /// Of the inputs of `down` this share is left out, and the others grow by it, as the noise of rows says: of each a stream
    /// `[n]` (int64), which may be NULL for none. The same input of the same stream is left out everywhere.
    double dropout;
    const ct_tensor *streams;
} ct_low_rank;
/// A weight that takes no gradient: as it is, or of 8 bits with `scales [out]`, which are NULL otherwise.
typedef struct ct_frozen_weight {
    const ct_tensor *values, *scales;
    bool transposed;
} ct_frozen_weight;
/// `ct_linear`, or `ct_linear_transposed`, by such a weight, plus `scale` x (`input` x downᵀ) x upᵀ; without that where `down` is
/// NULL. A quantized weight is there as numbers only while it is multiplied.
ct_status ct_linear_frozen(
    const ct_tensor *input, ct_frozen_weight weight, const ct_tensor *bias, ct_low_rank added, ct_tensor **out);
/// A matrix `[out, in]` in whole numbers of 8 bits, by `scales [out]`: the largest of a row is 127.
ct_status ct_quantize(const ct_tensor *matrix, ct_tensor **values, ct_tensor **scales);
/// The numbers that it stands for.
ct_status ct_dequantize(const ct_tensor *values, const ct_tensor *scales, ct_scalar_type type, ct_tensor **out);

ct_status ct_rms_norm(const ct_tensor *input, const ct_tensor *weight, double epsilon, ct_tensor **out);
/// Rotates the first `2 x half` channels of every head of `input [rows, heads, channels]` by `cosine`, `sine [rows, half]`.
ct_status ct_rotary(const ct_tensor *input, const ct_tensor *cosine, const ct_tensor *sine, ct_tensor **out);
/// `silu(gate) * up`.
ct_status ct_silu_gate(const ct_tensor *gate, const ct_tensor *up, ct_tensor **out);
/// `gelu(gate) * up`, GELU by its tanh approximation.
ct_status ct_gelu_gate(const ct_tensor *gate, const ct_tensor *up, ct_tensor **out);

/// Rows `start ..< start + count` attend causally to each other and to all rows of `prefix_start ..< + prefix_count`.
typedef struct ct_segment {
    int64_t start, count, prefix_start, prefix_count;
} ct_segment;
typedef struct ct_attention {
    /// What products of queries and keys are multiplied with.
    double scale;
    /// Such a product s then becomes `cap tanh(s / cap)`; 0 leaves it.
    double cap;
    /// How many of the last tokens a query sees, its own among them; 0 for all. A prefix is the start of what follows it.
    int64_t window;
} ct_attention;
/// Attention a segment at a time: `query [rows, heads, channels]`, `key`, `value [rows, kv heads, channels]`. A head's softmax
/// has its number of `sinks [heads]`, which may be NULL, beside its scores; that weight goes nowhere.
ct_status ct_segment_attention(
    const ct_tensor *query, const ct_tensor *key, const ct_tensor *value, const ct_tensor *sinks,
    const ct_segment *segments, size_t count, ct_attention options, ct_tensor **out);

typedef struct ct_logit_shape {
    /// Products of hidden states and the vocabulary are divided by this.
    double divisor;
    /// Such a logit z then becomes `cap tanh(z / cap)`; 0 leaves it.
    double cap;
    /// Divides last.
    double temperature;
} ct_logit_shape;
/// The log-probability of `targets [n]` (int64) under the softmax of logits from `hidden [n, width]` and `weight [vocabulary, width]`,
/// in chunks, never holding `[n, vocabulary]`. `statistics [n, 3]`: entropy, mean logit, and 1 where the target is the
/// most likely token; no gradient.
ct_status ct_linear_logps(
    const ct_tensor *hidden, const ct_tensor *weight, const ct_tensor *targets, ct_logit_shape shape, ct_tensor **logps,
    ct_tensor **statistics);

// ---- Decoding (decoding.cpp)

/// A copy of a weight in the layout that its kernels read fastest.
typedef struct ct_packed_weight ct_packed_weight;
void ct_packed_weight_free(ct_packed_weight *weight);
/// Packs `count` weights `[outputs, inputs]` of one type, of any strides, behind each other.
ct_status ct_pack(const ct_tensor *const *weights, size_t count, ct_packed_weight **out);
/// `input [rows, inputs]` by a packed weight, plus `bias [outputs]`, which may be NULL; no gradient. By the kernels of cpu/, the
/// bits of a row do not depend on the other rows, nor on how many there are.
ct_status ct_linear_packed(
    const ct_tensor *input, const ct_packed_weight *packed, const ct_tensor *bias, ct_tensor **out);

/// The same without bias, and of half-precision numbers in float32, without rounding between.
ct_status ct_logits(const ct_tensor *input, const ct_packed_weight *packed, ct_tensor **out);

/// Keys and values of past tokens, `capacity` or a few more in each of some slots, in a layout of their kernels' own.
typedef struct ct_cache ct_cache;
ct_status ct_cache_create(
    int64_t slots, int64_t heads, int64_t capacity, int64_t channels, ct_placement placement, ct_cache **out);
void ct_cache_free(ct_cache *cache);
int64_t ct_cache_capacity(const ct_cache *cache);
/// What such a cache takes.
ct_status ct_cache_bytes(
    int64_t slots, int64_t heads, int64_t capacity, int64_t channels, ct_placement placement, int64_t *out);
/// Writes `key`, `value [rows, kv heads, channels]` at `positions [rows]` of `slots [rows]`.
ct_status ct_cache_write(
    ct_cache *cache, const ct_tensor *key, const ct_tensor *value, const int64_t *slots, const int64_t *positions);
/// Copies the first `count` tokens of slot `source` to slot `target`.
ct_status ct_cache_copy(ct_cache *cache, int64_t source, int64_t target, int64_t count);
/// One query a row against the first `lengths[row]` tokens of slot `slots[row]`: `[rows, heads, channels]`. `sinks` as in
/// `ct_segment_attention`.
ct_status ct_cache_attention(
    const ct_tensor *query, const ct_cache *cache, const ct_tensor *sinks, const int64_t *slots, const int64_t *lengths,
    ct_attention options, ct_tensor **out);

typedef struct ct_sampling {
    /// 0 takes the most likely token.
    double temperature;
    /// 0 keeps all.
    int64_t top_k;
    /// 1 keeps all.
    double top_p;
    /// Ids that rows with `suppresses[row]` may not draw.
    const int64_t *suppressed;
    size_t suppressed_count;
} ct_sampling;
/// Draws a token a row from `logits [rows, vocabulary]` by an exponential race whose noise is a function of
/// (`keys[row]`, `counters[row]`, token) alone. `logps` are those under the full softmax at this temperature (at 1 where the
/// temperature is 0), before `top_k` and `top_p`.
ct_status ct_sample(
    const ct_tensor *logits, ct_sampling options, const uint64_t *keys, const uint64_t *counters,
    const uint8_t *suppresses, int64_t *tokens, float *logps);

#ifdef __cplusplus
}
#endif

#endif

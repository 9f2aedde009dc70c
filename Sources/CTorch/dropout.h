// Which inputs dropout leaves out: a function of a row's stream and an input's place, so that a backward pass, which keeps no
// mask, and any number of ranks find the same ones.
#pragma once

#include <cstdint>

namespace ctorch {

/// Mixes a stream and a place into 64 bits (the finaliser of SplitMix64, Steele et al. 2014).
inline uint64_t dropout_noise(uint64_t stream, uint64_t place) {
    uint64_t bits = stream + (place + 1) * 0x9e3779b97f4a7c15;
    bits = (bits ^ bits >> 30) * 0xbf58476d1ce4e5b9;
    bits = (bits ^ bits >> 27) * 0x94d049bb133111eb;
    return bits ^ bits >> 31;
}

/// Noise has so many bits where it is compared with a share.
constexpr int dropout_bits = 24;

/// Noise below this leaves an input out.
inline int64_t dropout_threshold(double share) { return static_cast<int64_t>(share * (1 << dropout_bits)); }

}  // namespace ctorch

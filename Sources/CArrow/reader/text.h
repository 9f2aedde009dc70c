#pragma once

#include <charconv>
#include <cmath>
#include <string>
#include <string_view>

namespace mpo {

// `text` in quotes. Bytes past ASCII go as they are: who parses the JSON checks that they are UTF-8.
void append_text(std::string_view text, std::string &out);

// `"name":`
inline std::string key(std::string_view name) {
    std::string result;
    append_text(name, result);
    return result + ':';
}

template <typename Integer>
void append_number(Integer value, std::string &out) {
    char digits[24];
    out.append(digits, std::to_chars(digits, digits + sizeof digits, value).ptr);
}

// With the fewest digits that give the same number back, and a point where it would pass for a whole number.
template <typename Float>
void append_float(Float value, std::string &out) {
    if (!std::isfinite(value)) {
        out += "null";
        return;
    }
    char digits[64];
    const std::string_view text(digits, std::to_chars(digits, digits + sizeof digits, value).ptr - digits);
    out += text;
    if (text.find_first_of(".e") == std::string_view::npos) out += ".0";
}

}  // namespace mpo

#include "text.h"

namespace mpo {

void append_text(std::string_view text, std::string &out) {
    static constexpr char hexadecimal[] = "0123456789abcdef";
    out += '"';
    size_t start = 0;
    for (size_t index = 0; index < text.size(); ++index) {
        const auto byte = static_cast<unsigned char>(text[index]);
        if (byte >= 0x20 && byte != '"' && byte != '\\') continue;
        out.append(text, start, index - start);
        start = index + 1;
        switch (byte) {
            case '"': out += "\\\""; break;
            case '\\': out += "\\\\"; break;
            case '\n': out += "\\n"; break;
            case '\r': out += "\\r"; break;
            case '\t': out += "\\t"; break;
            default:
                out += "\\u00";
                out += hexadecimal[byte >> 4];
                out += hexadecimal[byte & 15];
        }
    }
    out.append(text, start, text.size() - start);
    out += '"';
}

}  // namespace mpo

/// The attributes and methods that the interpreter knows, whatever they belong to.
enum JinjaMember: String, Sendable {
    // Of strings.
    case capitalize, casefold, center, count, endswith, expandtabs, find, format, index, isalnum, isalpha, isascii
    case isdecimal, isdigit, isidentifier, islower, isnumeric, isprintable, isspace, istitle, isupper, join, ljust,
        lower
    case lstrip, partition, removeprefix, removesuffix, replace, rfind, rindex, rjust, rpartition, rsplit, rstrip, split
    case splitlines, startswith, strip, swapcase, title, upper, zfill
    case formatMap = "format_map"
    // Of mappings.
    case get, items, keys, values, copy
    // Of lists and mappings, which they would change.
    case append, clear, extend, insert, pop, popitem, remove, reverse, setdefault, sort, update
    // Of loops.
    case index0, revindex, revindex0, first, last, length, previtem, nextitem, depth, depth0, cycle, changed
    // Of other objects.
    case next, reset, current, name, grouper, list
    // Known to Python, not here.
    case encode, maketrans, translate, fromkeys
    case bitLength = "bit_length"
    case bitCount = "bit_count"
    case toBytes = "to_bytes"
    case fromBytes = "from_bytes"
    case conjugate, real, imag, numerator, denominator, hex, fromhex, start, stop, step, arguments, caller
    case asIntegerRatio = "as_integer_ratio"
    case isInteger = "is_integer"

    /// Whether strings have it.
    var isOfStrings: Bool {
        switch self {
        case .capitalize, .casefold, .center, .count, .endswith, .expandtabs, .find, .format, .index, .isalnum,
            .isalpha,
            .isascii, .isdecimal, .isdigit, .isidentifier, .islower, .isnumeric, .isprintable, .isspace, .istitle,
            .isupper, .join, .ljust, .lower, .lstrip, .partition, .removeprefix, .removesuffix, .replace, .rfind,
            .rindex,
            .rjust, .rpartition, .rsplit, .rstrip, .split, .splitlines, .startswith, .strip, .swapcase, .title, .upper,
            .zfill, .formatMap:
            true
        default: false
        }
    }

    /// Whether mappings have it and no template may see it: it would change them.
    var changesMappings: Bool {
        switch self {
        case .clear, .pop, .popitem, .setdefault, .update: true
        default: false
        }
    }

    /// Whether lists have it and no template may see it.
    var changesLists: Bool {
        switch self {
        case .append, .clear, .extend, .insert, .pop, .remove, .reverse, .sort: true
        default: false
        }
    }

    /// Whether Python's strings, numbers, mappings or objects of jinja2 have it, where the interpreter has nothing.
    func isRefused(of value: JinjaValue) -> Bool {
        switch value {
        case .string, .markup: [.encode, .maketrans, .translate].contains(self)
        case .mapping: self == .fromkeys
        case .boolean, .integer, .float:
            switch self {
            case .bitLength, .bitCount, .toBytes, .fromBytes, .conjugate, .real, .imag, .numerator, .denominator, .hex,
                .fromhex, .asIntegerRatio, .isInteger:
                true
            default: false
            }
        case .object(let object):
            object is JinjaRange && [.start, .stop, .step].contains(self)
                || object is JinjaClosure && [.arguments, .caller].contains(self)
        default: false
        }
    }
}

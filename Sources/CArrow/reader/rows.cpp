#include "rows.h"

#include <arrow/array/array_dict.h>
#include <arrow/extension_type.h>
#include <arrow/scalar.h>
#include <arrow/util/decimal.h>
#include <arrow/util/float16.h>
#include <arrow/util/utf8.h>

#include <charconv>
#include <cmath>
#include <stdexcept>
#include <string_view>

#include "text.h"

namespace mpo {

using arrow::Array;
using arrow::Type;
using arrow::internal::checked_cast;

namespace {

// Deeper than data of text is nested, and well within what a reader of JSON takes.
constexpr int maximum_depth = 64;

void check_depth(const arrow::DataType &type, const std::string &name, int depth) {
    if (depth > maximum_depth)
        throw std::runtime_error("column '" + name + "' is nested more than " + std::to_string(maximum_depth) + " deep");
    for (const auto &field : type.fields()) check_depth(*field->type(), name, depth + 1);
    if (type.id() == Type::DICTIONARY)
        check_depth(*checked_cast<const arrow::DictionaryType &>(type).value_type(), name, depth + 1);
    if (type.id() == Type::EXTENSION)
        check_depth(*checked_cast<const arrow::ExtensionType &>(type).storage_type(), name, depth + 1);
}

void append_not_text(const std::string &what, std::string &out) {
    out += "{\"not_text\":";
    append_text(what, out);
    out += '}';
}

void append_bytes(std::string_view bytes, std::string &out) {
    if (arrow::util::ValidateUTF8(bytes))
        append_text(bytes, out);
    else
        append_not_text(std::to_string(bytes.size()) + " bytes", out);
}

template <typename ArrayType>
auto value(const Array &array, int64_t row) {
    return checked_cast<const ArrayType &>(array).GetView(row);
}

// Dates, times and timestamps, in Arrow's words but for the T and Z of ISO 8601.
void append_time(const Array &array, int64_t row, std::string &out) {
    auto text = array.GetScalar(row).ValueOrDie()->ToString();
    if (array.type_id() == Type::TIMESTAMP) {
        if (text.size() > 10 && text[10] == ' ') text[10] = 'T';
        const auto &type = checked_cast<const arrow::TimestampType &>(*array.type());
        if (!type.timezone().empty() && text.back() != 'Z') text += 'Z';
    }
    append_text(text, out);
}

}  // namespace

void check_depth(const arrow::Schema &schema) {
    for (const auto &field : schema.fields()) check_depth(*field->type(), field->name(), 1);
}

RowWriter::RowWriter(const arrow::RecordBatch &batch) : root{nullptr, {}, {}} {
    for (int index = 0; index < batch.num_columns(); ++index) {
        root.keys.push_back(key(batch.column_name(index)));
        root.children.push_back(column(batch.column(index)));
    }
}

RowWriter::Column RowWriter::column(std::shared_ptr<Array> array) {
    Column result{array.get(), {}, {}};
    owned.push_back(array);
    switch (array->type_id()) {
        case Type::STRUCT:
            for (int index = 0; index < array->num_fields(); ++index) {
                result.keys.push_back(key(array->type()->field(index)->name()));
                result.children.push_back(column(checked_cast<const arrow::StructArray &>(*array).field(index)));
            }
            break;
        case Type::MAP: {
            const auto &map = checked_cast<const arrow::MapArray &>(*array);
            Column entries{nullptr, {}, {key("key"), key("value")}};
            entries.children = {column(map.keys()), column(map.items())};
            result.children.push_back(std::move(entries));
            break;
        }
        case Type::LIST: result.children = {column(checked_cast<const arrow::ListArray &>(*array).values())}; break;
        case Type::LARGE_LIST:
            result.children = {column(checked_cast<const arrow::LargeListArray &>(*array).values())};
            break;
        case Type::LIST_VIEW:
            result.children = {column(checked_cast<const arrow::ListViewArray &>(*array).values())};
            break;
        case Type::LARGE_LIST_VIEW:
            result.children = {column(checked_cast<const arrow::LargeListViewArray &>(*array).values())};
            break;
        case Type::FIXED_SIZE_LIST:
            result.children = {column(checked_cast<const arrow::FixedSizeListArray &>(*array).values())};
            break;
        case Type::DICTIONARY:
            result.children = {column(checked_cast<const arrow::DictionaryArray &>(*array).dictionary())};
            break;
        case Type::EXTENSION:
            result.children = {column(checked_cast<const arrow::ExtensionArray &>(*array).storage())};
            break;
        case Type::SPARSE_UNION:
        case Type::DENSE_UNION:
            for (int index = 0; index < array->num_fields(); ++index)
                result.children.push_back(column(checked_cast<const arrow::UnionArray &>(*array).field(index)));
            break;
        default: break;
    }
    return result;
}

void RowWriter::append(int64_t row, std::string &out) const { append_fields(root, row, out); }

void RowWriter::append_fields(const Column &column, int64_t row, std::string &out) {
    out += '{';
    for (size_t index = 0; index < column.children.size(); ++index) {
        if (index > 0) out += ',';
        out += column.keys[index];
        append(column.children[index], row, out);
    }
    out += '}';
}

void RowWriter::append_list(const Column &column, int64_t start, int64_t count, std::string &out) {
    out += '[';
    for (int64_t index = start; index < start + count; ++index) {
        if (index > start) out += ',';
        const auto &items = column.children[0];
        items.array ? append(items, index, out) : append_fields(items, index, out);
    }
    out += ']';
}

void RowWriter::append(const Column &column, int64_t row, std::string &out) {
    const Array &array = *column.array;
    if (array.IsNull(row)) {
        out += "null";
        return;
    }
    const auto list = [&](const auto &lists) {
        append_list(column, lists.value_offset(row), lists.value_length(row), out);
    };
    switch (array.type_id()) {
        case Type::NA: out += "null"; break;
        case Type::BOOL: out += checked_cast<const arrow::BooleanArray &>(array).Value(row) ? "true" : "false"; break;
        case Type::INT8: append_number(int{value<arrow::Int8Array>(array, row)}, out); break;
        case Type::INT16: append_number(value<arrow::Int16Array>(array, row), out); break;
        case Type::INT32: append_number(value<arrow::Int32Array>(array, row), out); break;
        case Type::INT64: append_number(value<arrow::Int64Array>(array, row), out); break;
        case Type::UINT8: append_number(int{value<arrow::UInt8Array>(array, row)}, out); break;
        case Type::UINT16: append_number(value<arrow::UInt16Array>(array, row), out); break;
        case Type::UINT32: append_number(value<arrow::UInt32Array>(array, row), out); break;
        case Type::UINT64: append_number(value<arrow::UInt64Array>(array, row), out); break;
        case Type::DURATION: append_number(value<arrow::DurationArray>(array, row), out); break;
        case Type::HALF_FLOAT:
            append_float(arrow::util::Float16::FromBits(value<arrow::HalfFloatArray>(array, row)).ToFloat(), out);
            break;
        case Type::FLOAT: append_float(value<arrow::FloatArray>(array, row), out); break;
        case Type::DOUBLE: append_float(value<arrow::DoubleArray>(array, row), out); break;
        case Type::DECIMAL32: out += checked_cast<const arrow::Decimal32Array &>(array).FormatValue(row); break;
        case Type::DECIMAL64: out += checked_cast<const arrow::Decimal64Array &>(array).FormatValue(row); break;
        case Type::DECIMAL128: out += checked_cast<const arrow::Decimal128Array &>(array).FormatValue(row); break;
        case Type::DECIMAL256: out += checked_cast<const arrow::Decimal256Array &>(array).FormatValue(row); break;
        case Type::DATE32:
        case Type::DATE64:
        case Type::TIME32:
        case Type::TIME64:
        case Type::TIMESTAMP: append_time(array, row, out); break;
        case Type::STRING: append_text(value<arrow::StringArray>(array, row), out); break;
        case Type::LARGE_STRING: append_text(value<arrow::LargeStringArray>(array, row), out); break;
        case Type::STRING_VIEW: append_text(value<arrow::StringViewArray>(array, row), out); break;
        case Type::BINARY: append_bytes(value<arrow::BinaryArray>(array, row), out); break;
        case Type::LARGE_BINARY: append_bytes(value<arrow::LargeBinaryArray>(array, row), out); break;
        case Type::BINARY_VIEW: append_bytes(value<arrow::BinaryViewArray>(array, row), out); break;
        case Type::FIXED_SIZE_BINARY: append_bytes(value<arrow::FixedSizeBinaryArray>(array, row), out); break;
        case Type::STRUCT: append_fields(column, row, out); break;
        case Type::LIST: list(checked_cast<const arrow::ListArray &>(array)); break;
        case Type::LARGE_LIST: list(checked_cast<const arrow::LargeListArray &>(array)); break;
        case Type::LIST_VIEW: list(checked_cast<const arrow::ListViewArray &>(array)); break;
        case Type::LARGE_LIST_VIEW: list(checked_cast<const arrow::LargeListViewArray &>(array)); break;
        case Type::FIXED_SIZE_LIST: list(checked_cast<const arrow::FixedSizeListArray &>(array)); break;
        case Type::MAP: list(checked_cast<const arrow::MapArray &>(array)); break;
        case Type::DICTIONARY:
            append(column.children[0], checked_cast<const arrow::DictionaryArray &>(array).GetValueIndex(row), out);
            break;
        case Type::EXTENSION: append(column.children[0], row, out); break;
        case Type::SPARSE_UNION:
            append(column.children[checked_cast<const arrow::UnionArray &>(array).child_id(row)], row, out);
            break;
        case Type::DENSE_UNION: {
            const auto &united = checked_cast<const arrow::DenseUnionArray &>(array);
            append(column.children[united.child_id(row)], united.value_offset(row), out);
            break;
        }
        default: append_not_text(array.type()->ToString(), out);
    }
}

}  // namespace mpo

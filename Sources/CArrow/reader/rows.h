#pragma once

#include <arrow/array.h>
#include <arrow/record_batch.h>

#include <cstdint>
#include <string>
#include <vector>

namespace mpo {

// Throws for a column that is nested too deeply to be written; what is asked once of a schema need not be asked of values.
void check_depth(const arrow::Schema &schema);

// Writes rows of a record batch as JSON objects, a key a column:
//
// - floats that are not finite are null, as pandas and so datasets.to_json write them; others have the fewest digits that
//   give the same number back;
// - dates, times and timestamps are ISO 8601 text, with Z where a zone is known; durations are whole numbers of their unit;
//   decimals are numbers with all of their digits;
// - a map is a list of objects with `key` and `value`;
// - binary values are text where they are UTF-8; others, such as images, and what has no form in JSON, are an object that
//   says what they are, {"not_text": "20113 bytes"}, so that only who reads the column is told.
class RowWriter {
public:
    explicit RowWriter(const arrow::RecordBatch &batch);

    void append(int64_t row, std::string &out) const;

private:
    // An array with those that its values are made of.
    struct Column {
        const arrow::Array *array;
        std::vector<Column> children;
        std::vector<std::string> keys;
    };

    Column column(std::shared_ptr<arrow::Array> array);
    static void append(const Column &column, int64_t row, std::string &out);
    static void append_list(const Column &column, int64_t start, int64_t count, std::string &out);
    static void append_fields(const Column &column, int64_t row, std::string &out);

    Column root;
    std::vector<std::shared_ptr<arrow::Array>> owned;
};

}  // namespace mpo

#include "../carrow.h"

#include <arrow/util/utf8.h>

#include <exception>
#include <optional>
#include <string>
#include <vector>

#include "batches.h"
#include "rows.h"

struct carrow_reader {
    std::unique_ptr<mpo::Batches> batches;
    std::shared_ptr<arrow::RecordBatch> batch;
    std::optional<mpo::RowWriter> writer;
    int64_t row = 0;
    std::string text;
    std::vector<size_t> ends;
};

namespace {

// Text of rows after which a call returns, within a batch or at its end.
constexpr size_t enough = 1 << 20;

std::string &last_error() {
    thread_local std::string text;
    return text;
}

// The one boundary that exceptions of C++ end at.
template <typename Body>
int32_t guarded(Body body) noexcept {
    try {
        body();
        return 0;
    } catch (const std::exception &error) {
        last_error() = error.what();
    } catch (...) {
        last_error() = "an unknown error";
    }
    return 1;
}

const char *error() { return last_error().c_str(); }

int32_t open(const char *path, carrow_format format, carrow_reader **result) {
    return guarded([&] {
        // Its tables, which checks of UTF-8 use from here on.
        static const bool initialized = (arrow::util::InitializeUTF8(), true);
        (void)initialized;
        auto reader = std::make_unique<carrow_reader>();
        reader->batches = mpo::open_batches(path, format);
        mpo::check_depth(*reader->batches->schema());
        *result = reader.release();
    });
}

int32_t next(carrow_reader *reader, carrow_rows *result) {
    return guarded([&] {
        reader->text.clear();
        reader->ends.clear();
        while (!reader->batch || reader->row == reader->batch->num_rows()) {
            reader->writer.reset();
            reader->row = 0;
            reader->batch = reader->batches->next();
            if (!reader->batch) {
                *result = {nullptr, nullptr, 0};
                return;
            }
            reader->writer.emplace(*reader->batch);
        }
        while (reader->row < reader->batch->num_rows() && reader->text.size() < enough) {
            reader->writer->append(reader->row++, reader->text);
            reader->ends.push_back(reader->text.size());
        }
        *result = {reader->text.data(), reader->ends.data(), reader->ends.size()};
    });
}

void close(carrow_reader *reader) { delete reader; }

constexpr carrow_functions functions = {error, open, next, close};

}  // namespace

extern "C" __attribute__((visibility("default"))) const carrow_functions *carrow_functions_of(int32_t version) {
    return version == CARROW_VERSION ? &functions : nullptr;
}

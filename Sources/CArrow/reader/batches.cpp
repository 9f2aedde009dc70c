#include "batches.h"

#include <arrow/io/file.h>
#include <arrow/ipc/reader.h>
#include <arrow/memory_pool.h>
#include <arrow/result.h>
#include <parquet/arrow/reader.h>
#include <parquet/file_reader.h>
#include <parquet/metadata.h>

#include <algorithm>
#include <stdexcept>

namespace mpo {

namespace {

void check(const arrow::Status &status) {
    if (!status.ok()) throw std::runtime_error(status.message());
}

template <typename Value>
Value check(arrow::Result<Value> result) {
    check(result.status());
    return std::move(result).ValueUnsafe();
}

// The process's own allocator, so that what a file took is there for what comes after it.
arrow::MemoryPool *pool() { return arrow::system_memory_pool(); }

// Pages are read as they are needed and not a row group at once, on the calling thread.
class ParquetBatches : public Batches {
public:
    explicit ParquetBatches(const std::string &path) {
        parquet::ReaderProperties file(pool());
        file.enable_buffered_stream();
        file.set_buffer_size(256 << 10);
        file.set_page_checksum_verification(true);
        parquet::arrow::FileReaderBuilder builder;
        check(builder.Open(check(arrow::io::ReadableFile::Open(path, pool())), file));
        const auto metadata = builder.raw_reader()->metadata();
        parquet::ArrowReaderProperties rows(false);
        rows.set_pre_buffer(false);
        rows.set_batch_size(batch_size(*metadata));
        reader = check(builder.memory_pool(pool())->properties(rows)->Build());
        batches = check(reader->GetRecordBatchReader());
    }

    std::shared_ptr<arrow::Schema> schema() const override { return batches->schema(); }

    std::shared_ptr<arrow::RecordBatch> next() override {
        std::shared_ptr<arrow::RecordBatch> batch;
        check(batches->ReadNext(&batch));
        if (batch) check(batch->Validate());
        return batch;
    }

private:
    // As many rows as take 8 MiB by the file's own account, at most 1,024.
    static int64_t batch_size(const parquet::FileMetaData &metadata) {
        int64_t bytes = 0;
        for (int group = 0; group < metadata.num_row_groups(); ++group)
            bytes += std::max<int64_t>(metadata.RowGroup(group)->total_byte_size(), 0);
        const auto bytes_per_row = bytes / std::max<int64_t>(metadata.num_rows(), 1) + 1;
        return std::clamp<int64_t>((8 << 20) / bytes_per_row, 1, 1024);
    }

    std::unique_ptr<parquet::arrow::FileReader> reader;
    std::unique_ptr<arrow::RecordBatchReader> batches;
};

arrow::ipc::IpcReadOptions ipc_options() {
    auto options = arrow::ipc::IpcReadOptions::Defaults();
    options.memory_pool = pool();
    options.use_threads = false;
    return options;
}

// What IPC stores is what lies in memory, so that values of a damaged file have to be looked at before they are used.
std::shared_ptr<arrow::RecordBatch> validated(std::shared_ptr<arrow::RecordBatch> batch) {
    if (batch) check(batch->ValidateFull());
    return batch;
}

class FileBatches : public Batches {
public:
    explicit FileBatches(const std::string &path)
        : reader(check(arrow::ipc::RecordBatchFileReader::Open(
              check(arrow::io::ReadableFile::Open(path, pool())), ipc_options()))) {}

    std::shared_ptr<arrow::Schema> schema() const override { return reader->schema(); }

    std::shared_ptr<arrow::RecordBatch> next() override {
        if (index == reader->num_record_batches()) return nullptr;
        return validated(check(reader->ReadRecordBatch(index++)));
    }

private:
    std::shared_ptr<arrow::ipc::RecordBatchFileReader> reader;
    int index = 0;
};

class StreamBatches : public Batches {
public:
    explicit StreamBatches(const std::string &path)
        : reader(check(arrow::ipc::RecordBatchStreamReader::Open(
              check(arrow::io::ReadableFile::Open(path, pool())), ipc_options()))) {}

    std::shared_ptr<arrow::Schema> schema() const override { return reader->schema(); }

    std::shared_ptr<arrow::RecordBatch> next() override {
        std::shared_ptr<arrow::RecordBatch> batch;
        check(reader->ReadNext(&batch));
        return validated(batch);
    }

private:
    std::shared_ptr<arrow::ipc::RecordBatchStreamReader> reader;
};

}  // namespace

std::unique_ptr<Batches> open_batches(const std::string &path, carrow_format format) {
    switch (format) {
        case CARROW_PARQUET: return std::make_unique<ParquetBatches>(path);
        case CARROW_FILE: return std::make_unique<FileBatches>(path);
        case CARROW_STREAM: return std::make_unique<StreamBatches>(path);
    }
    throw std::runtime_error("no such format: " + std::to_string(format));
}

}  // namespace mpo

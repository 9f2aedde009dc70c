#pragma once

#include <arrow/record_batch.h>

#include <memory>
#include <string>

#include "../carrow.h"

namespace mpo {

// Record batches of a file, from first to last.
class Batches {
public:
    virtual ~Batches() = default;

    virtual std::shared_ptr<arrow::Schema> schema() const = 0;
    // Null at the end of the file. Throws for what is damaged.
    virtual std::shared_ptr<arrow::RecordBatch> next() = 0;
};

// Throws where the file cannot be read as what it is said to be.
std::unique_ptr<Batches> open_batches(const std::string &path, carrow_format format);

}  // namespace mpo

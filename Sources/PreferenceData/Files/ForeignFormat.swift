/// A format of files that is not read here, known by the first bytes of a file.
package struct ForeignFormat: Sendable, Equatable {
    /// What such a file is, with its article.
    package let name: String
    /// What makes a file of it that is read.
    package let remedy: String

    /// The format of a file that begins with these bytes, a few hundred or all; `nil` for any other.
    package init?(startingWith bytes: UnsafeRawBufferPointer) {
        for (marks, name, remedy) in Self.signatures where bytes.starts(with: marks) {
            (self.name, self.remedy) = (name, remedy)
            return
        }
        guard let encoding = Self.wideEncoding(bytes) else { return nil }
        name = "\(encoding) text"
        remedy = "write it as UTF-8 (iconv -f \(encoding) -t UTF-8)"
    }

    private static let unpack = "unpack it first"

    private static let signatures: [([UInt8], String, String)] = [
        (Array("PARE".utf8), "encrypted Parquet", "write it without encryption"),
        (
            Array("FEA1".utf8), "a Feather file of version 1",
            "write it as Parquet, in Python pandas.read_feather(FILE).to_parquet(FILE)"
        ),
        ([0x28, 0xB5, 0x2F, 0xFD], "zstd inside another compression", "\(unpack) once"),
        (Array("BZh".utf8), "compressed by bzip2", "\(unpack) (bunzip2)"),
        ([0xFD, 0x37, 0x7A, 0x58, 0x5A, 0x00], "compressed by xz", "\(unpack) (unxz)"),
        ([0x04, 0x22, 0x4D, 0x18], "compressed by lz4", "\(unpack) (lz4 -d)"),
        ([0x50, 0x4B, 0x03, 0x04], "a zip archive", "\(unpack) (unzip)"),
        ([0x50, 0x4B, 0x05, 0x06], "an empty zip archive", "name the file that holds the data"),
        ([0x37, 0x7A, 0xBC, 0xAF, 0x27, 0x1C], "a 7z archive", "\(unpack) (7z x)"),
        ([0x1F, 0x8B], "gzip inside another compression", "\(unpack) once"),
        ([0xFF, 0xFE, 0x00, 0x00], "UTF-32 text", "write it as UTF-8 (iconv -f UTF-32 -t UTF-8)"),
        ([0x00, 0x00, 0xFE, 0xFF], "UTF-32 text", "write it as UTF-8 (iconv -f UTF-32 -t UTF-8)"),
        ([0xFF, 0xFE], "UTF-16 text", "write it as UTF-8 (iconv -f UTF-16 -t UTF-8)"),
        ([0xFE, 0xFF], "UTF-16 text", "write it as UTF-8 (iconv -f UTF-16 -t UTF-8)"),
        (
            Array("SQLite format 3".utf8), "an SQLite database",
            "write the rows as JSONL (sqlite3 -json, then jq -c '.[]')"
        ),
        ([0x89, 0x48, 0x44, 0x46], "an HDF5 file", "write its rows as JSONL or Parquet"),
        ([0x93, 0x4E, 0x55, 0x4D, 0x50, 0x59], "a NumPy file", "write its rows as JSONL or Parquet"),
        (Array("version https://git-lfs".utf8), "a pointer of Git LFS, not the file itself", "fetch it (git lfs pull)"),
        (Array("<!DOCTYPE".utf8), "an HTML page", "download the file itself, not the page about it"),
        (Array("<!doctype".utf8), "an HTML page", "download the file itself, not the page about it"),
        (Array("<html".utf8), "an HTML page", "download the file itself, not the page about it"),
    ]

    /// UTF-16 or UTF-32 without a mark: JSON begins with ASCII, so that half of the bytes or more are zero.
    private static func wideEncoding(_ bytes: UnsafeRawBufferPointer) -> String? {
        guard bytes.count >= 4 else { return nil }
        return switch (bytes[0] == 0, bytes[1] == 0, bytes[2] == 0, bytes[3] == 0) {
        case (false, true, false, true): "UTF-16LE"
        case (true, false, true, false): "UTF-16BE"
        case (false, true, true, true): "UTF-32LE"
        case (true, true, true, false): "UTF-32BE"
        default: nil
        }
    }
}

import Foundation

/// The rows of Parquet and Arrow files, as Arrow's libraries read them.
enum ArrowRows {
    /// Calls `body` with each row and where it stands.
    ///
    /// - Parameter compression: What the whole file is packed in, which Arrow would have to seek in.
    /// - Throws: ``DataError`` where the file or Arrow's libraries cannot be read, and what `body` throws.
    static func read(
        _ url: URL, _ format: FileFormat.ArrowFormat, compression: String?, _ maximumLength: Int,
        _ body: (RecordSource, Row) throws -> Void
    ) throws {
        let path = url.relativePath
        if let compression {
            throw DataError.format(
                path: path, name: "\(format.rawValue) inside \(compression)",
                remedy: "unpack it first: such files are compressed within")
        }
        do {
            let file = try ArrowLibrary.shared.get().open(url.path, format)
            var number = 0
            while try file.next({ text in
                number += 1
                let source = RecordSource(file: path, line: number, unit: .row)
                try body(source, text.count > maximumLength ? .tooLong : .text(text))
            }) {}
        } catch let error as ArrowLibraryError {
            throw DataError.needsArrow(path: path, format: format.rawValue, reason: error.text)
        } catch let error as ArrowFileError {
            throw DataError.damaged(path: path, what: format.rawValue, reason: error.reason)
        }
    }
}

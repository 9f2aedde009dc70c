import CArrow
import Foundation

/// Arrow's C++ libraries, which are loaded when the first file needs them: no program links them.
package struct ArrowLibrary: @unchecked Sendable {
    private let functions: UnsafePointer<carrow_functions>

    /// The libraries, or why they cannot be had.
    static let shared = Result { () throws(ArrowLibraryError) in try ArrowLibrary(named: "libmpo-arrow.so") }

    /// Loads a library from where programs look that are built beside it: `launch/setup --arrow` leaves it there, and
    /// `launch/install` in `lib/mpo`.
    package init(named name: String) throws(ArrowLibraryError) {
        guard let library = dlopen(name, RTLD_NOW | RTLD_LOCAL) else {
            let reason = dlerror().map { String(cString: $0) } ?? ""
            throw reason.hasPrefix("\(name): cannot open") ? .missing : .unloadable(reason)
        }
        guard let symbol = dlsym(library, "carrow_functions_of"),
            let entry = unsafeBitCast(symbol, to: carrow_entry?.self), let functions = entry(Int32(CARROW_VERSION))
        else { throw .otherVersion }
        self.functions = functions
    }

    /// Opens a file; ``ArrowFile/next()`` reads on.
    func open(_ path: String, _ format: FileFormat.ArrowFormat) throws(ArrowFileError) -> ArrowFile {
        var reader: OpaquePointer?
        let status = functions.pointee.open(path, format.code, &reader)
        guard status == 0, let reader else { throw error }
        return ArrowFile(library: self, reader: reader)
    }

    fileprivate func next(_ reader: OpaquePointer) throws(ArrowFileError) -> carrow_rows {
        var rows = carrow_rows()
        guard functions.pointee.next(reader, &rows) == 0 else { throw error }
        return rows
    }

    fileprivate func close(_ reader: OpaquePointer) { functions.pointee.close(reader) }

    private var error: ArrowFileError {
        ArrowFileError(reason: functions.pointee.error().map { String(cString: $0) } ?? "for an unknown reason")
    }
}

/// Why Arrow's libraries cannot be had.
package enum ArrowLibraryError: Error {
    case missing
    case unloadable(String)
    case otherVersion

    /// What is wrong, and what helps.
    package var text: String {
        let brings = "launch/setup --arrow"
        return switch self {
        case .missing:
            "Arrow's libraries are not installed: \(brings) brings them, and launch/install carries them where they are there"
        case .unloadable(let reason): "Arrow's libraries do not load (\(reason)): \(brings) sets them up anew"
        case .otherVersion: "Arrow's libraries were set up by another version of mpo: \(brings) sets them up anew"
        }
    }
}

/// What Arrow says of a file that it cannot read.
struct ArrowFileError: Error {
    let reason: String
}

/// A file that Arrow reads.
final class ArrowFile {
    private let library: ArrowLibrary
    private let reader: OpaquePointer

    fileprivate init(library: ArrowLibrary, reader: OpaquePointer) {
        (self.library, self.reader) = (library, reader)
    }

    deinit { library.close(reader) }

    /// Hands the next rows to `body` as JSON text, which is valid while it runs; false at the end of the file.
    func next(_ body: (UnsafeRawBufferPointer) throws -> Void) throws -> Bool {
        let rows = try library.next(reader)
        var start = 0
        for index in 0..<rows.count {
            let end = rows.ends[index]
            try body(UnsafeRawBufferPointer(start: rows.text + start, count: end - start))
            start = end
        }
        return rows.count > 0
    }
}

extension FileFormat.ArrowFormat {
    fileprivate var code: carrow_format {
        switch self {
        case .parquet: CARROW_PARQUET
        case .file: CARROW_FILE
        case .stream: CARROW_STREAM
        }
    }
}

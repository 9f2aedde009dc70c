import Foundation

/// From what a user names to files.
struct DataFiles {
    /// In order.
    private(set) var files: [URL] = []
    /// A held-out file and one to train on that are read as one dataset, as the user's list has them.
    private(set) var mixed: RecordRemark?

    /// The files at `paths`, where a directory stands for the data files in it, by name.
    /// - Throws: ``DataError`` for what is not there, and for a directory that holds several data sets or splits.
    init(at paths: [URL]) throws(DataError) {
        for path in paths {
            var isDirectory: ObjCBool = false
            guard FileManager.default.fileExists(atPath: path.path, isDirectory: &isDirectory) else {
                throw .missing(path: path.relativePath)
            }
            files += isDirectory.boolValue ? try DataDirectory(path).files() : [path]
        }
        let heldOut = files.first { DataFileName.isHeldOut($0.lastPathComponent) == true }
        let train = files.first { DataFileName.isHeldOut($0.lastPathComponent) == false }
        if let heldOut, let train {
            mixed = .heldOut(file: heldOut.relativePath, beside: train.relativePath)
        }
    }
}

import Foundation
import Runs
import Stages
import TestSupport
import Testing
import Training

@Suite("Files are known again")
struct FileIdentityTests {
    private func withFile(_ body: (String) throws -> Void) throws {
        try TestSupport.withTemporaryDirectory { directory in
            let file = directory.appending(path: "data.jsonl")
            try Data("abc".utf8).write(to: file)
            try body(file.path)
        }
    }

    /// Changes a byte in place, and sets the time of the file back if asked to.
    private func spoil(_ path: String, keepsTime: Bool) throws {
        let time = try FileManager.default.attributesOfItem(atPath: path)[.modificationDate]
        let handle = try #require(FileHandle(forWritingAtPath: path))
        try handle.write(contentsOf: Data("x".utf8))
        try handle.close()
        if keepsTime, let time { try FileManager.default.setAttributes([.modificationDate: time], ofItemAtPath: path) }
    }

    @Test("A changed byte is told by its checksum, another length by both lengths, the same bytes elsewhere not at all")
    func differences() throws {
        try withFile { path in
            let then = try FileIdentity(path: path, knowing: nil)
            // The CRC-32 of "abc" and of "xbc", as zlib gives them elsewhere.
            try spoil(path, keepsTime: true)
            let changed = try FileIdentity(path: path, knowing: then)
            #expect(changed.difference(from: then) == "\(path): CRC-32 352441c2 then, 26d3d93d now")
            try Data("abcd".utf8).write(to: URL(filePath: path))
            let longer = try FileIdentity(path: path, knowing: changed)
            #expect(longer.difference(from: then) == "\(path): 3 bytes then, 4 now")
            try Data("abc".utf8).write(to: URL(filePath: path + ".moved"))
            let moved = try FileIdentity(path: path + ".moved", knowing: nil)
            #expect(moved.difference(from: then) == nil)
        }
    }

    @Test("A large file is read again when its time, size or inode is another, and only then")
    func trust() throws {
        try withFile { path in
            let then = try FileIdentity(path: path, knowing: nil)
            try FileManager.default.setAttributes([.posixPermissions: 0], ofItemAtPath: path)
            if getuid() != 0 {
                // Nobody can read it, so an answer can only come from the stamp.
                #expect(try FileIdentity(path: path, knowing: then, trustingFrom: 0) == then)
            }
            try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: path)
            try spoil(path, keepsTime: false)
            let changed = try FileIdentity(path: path, knowing: then, trustingFrom: 0)
            #expect(changed.difference(from: then) != nil)
        }
    }

    @Test("A file that is not there is named")
    func missing() {
        #expect(throws: RunError.self) { _ = try FileIdentity(path: "/nowhere", knowing: nil) }
    }

    @Test("What a manifest says of a file that was just written is taken unread, unless the file has another size")
    func justWritten() throws {
        try TestSupport.withTemporaryDirectory { place in
            let directory = place.appending(path: "final")
            try AtomicDirectory.write(to: directory) {
                try Data("abc".utf8).write(to: $0.appending(path: "model.safetensors"))
            }
            let path = "\(directory.path)/model.safetensors"
            let written = try #require(Manifest.entries(of: directory)[path])
            let then = try FileIdentity(path: path, knowing: nil)
            #expect(try FileIdentity(path: path, knowing: nil, written: written) == then)
            try spoil(path, keepsTime: true)
            let unread = try FileIdentity(path: path, knowing: nil, written: written)
            #expect(unread.difference(from: then) == nil)
            try Data("abcd".utf8).write(to: URL(filePath: path))
            let longer = try FileIdentity(path: path, knowing: nil, written: written)
            #expect(longer.difference(from: then) == "\(path): 3 bytes then, 4 now")
            #expect(Manifest.entries(of: place).isEmpty)
        }
    }
}

import Foundation
import PreferenceData
import TestSupport
import Testing

@Suite("Files that a command writes")
struct OutputFileTests {
    private func kind(_ file: URL) -> mode_t {
        var status = stat()
        return lstat(file.path, &status) == 0 ? status.st_mode & S_IFMT : 0
    }

    private func text(_ file: URL) throws -> String { String(decoding: try Data(contentsOf: file), as: UTF8.self) }

    private func names(in directory: URL) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: directory.path).sorted()
    }

    private func message(_ body: () throws -> Void) -> String {
        do { try body() } catch { return "\(error)" }
        return "no error"
    }

    @Test("A file is replaced when the new one is whole, keeps its permissions, and stays as it was until then")
    func replaces() throws {
        try TestSupport.withTemporaryDirectory { directory in
            let file = directory.appending(path: "a.jsonl")
            try Data("old".utf8).write(to: file)
            try FileManager.default.setAttributes([.posixPermissions: 0o640], ofItemAtPath: file.path)
            // What a process has left that was killed.
            try Data(count: 100).write(to: directory.appending(path: ".a.jsonl.partial"))
            do {
                let output = try OutputFile(file)
                try output.write(Data("new".utf8))
                #expect(try text(file) == "old")
            }
            #expect(try names(in: directory) == ["a.jsonl"])
            #expect(try text(file) == "old")
            try OutputFile.check(file)
            #expect(try text(file) == "old")
            try OutputFile.write(Data("new".utf8), to: file)
            #expect(try text(file) == "new")
            #expect(try names(in: directory) == ["a.jsonl"])
            let attributes = try FileManager.default.attributesOfItem(atPath: file.path)
            #expect(attributes[.posixPermissions] as? Int == 0o640)
        }
    }

    @Test("A link stays a link: the file that it leads to is written, whether it was there or not")
    func links() throws {
        try TestSupport.withTemporaryDirectory { directory in
            try FileManager.default.createDirectory(
                at: directory.appending(path: "else"), withIntermediateDirectories: true)
            try Data("old".utf8).write(to: directory.appending(path: "else/there"))
            for (name, target) in [("a", "else/there"), ("b", "a"), ("c", "else/new"), ("d", "\(directory.path)/e")] {
                let link = directory.appending(path: name)
                #expect(symlink(target, link.path) == 0)
                try OutputFile.write(Data(name.utf8), to: link)
                #expect(kind(link) == S_IFLNK)
                #expect(try text(link) == name)
            }
            #expect(try text(directory.appending(path: "else/there")) == "b")
            #expect(try names(in: directory.appending(path: "else")) == ["new", "there"])
            #expect(try names(in: directory) == ["a", "b", "c", "d", "e", "else"])
        }
    }

    @Test("A FIFO, a device and a descriptor get the bytes as they come, and stay what they are")
    func special() throws {
        try TestSupport.withTemporaryDirectory { directory in
            let fifo = directory.appending(path: "fifo")
            #expect(mkfifo(fifo.path, 0o600) == 0)
            let reader = open(fifo.path, O_RDONLY | O_NONBLOCK)
            defer { close(reader) }
            try OutputFile.check(fifo)
            try OutputFile.write(Data("to a FIFO".utf8), to: fifo)
            var bytes = [UInt8](repeating: 0, count: 64)
            #expect(read(reader, &bytes, bytes.count) == 9)
            #expect(kind(fifo) == S_IFIFO)

            // A terminal is the device that anybody may make.
            let terminal = open("/dev/ptmx", O_RDWR | O_NOCTTY)
            defer { close(terminal) }
            // TIOCSPTLCK and TIOCGPTN.
            var (lock, number): (Int32, Int32) = (0, -1)
            try #require(ioctl(terminal, 0x4004_5431, &lock) == 0 && ioctl(terminal, 0x8004_5430, &number) == 0)
            let device = URL(filePath: "/dev/pts/\(number)")
            try OutputFile.check(device)
            try OutputFile.write(Data("to a device".utf8), to: device)
            #expect(read(terminal, &bytes, bytes.count) == 11)
            #expect(kind(device) == S_IFCHR)

            // What is written into an open file comes behind what is there already.
            let log = directory.appending(path: "log")
            let descriptor = open(log.path, O_WRONLY | O_CREAT | O_APPEND, 0o600)
            defer { close(descriptor) }
            #expect(write(descriptor, "first ", 6) == 6)
            try OutputFile.write(Data("second".utf8), to: URL(filePath: "/dev/fd/\(descriptor)"))
            #expect(try text(log) == "first second")
            #expect(try names(in: directory) == ["fifo", "log"])
        }
    }

    @Test("What cannot be written, or must not, is refused with a reason")
    func refused() throws {
        try TestSupport.withTemporaryDirectory { directory in
            let (input, link) = (directory.appending(path: "in"), directory.appending(path: "link"))
            try Data("in".utf8).write(to: input)
            #expect(symlink("in", link.path) == 0)
            for file in [input, link] {
                #expect(message { try OutputFile.check(file, sparing: [input]) }.contains("is read too"))
            }
            #expect(try text(input) == "in")
            #expect(message { try OutputFile.check(directory) }.hasSuffix(": is a directory; name a file in it"))
            let full = URL(filePath: "/dev/full")
            #expect(
                message { try OutputFile.write(Data("x".utf8), to: full) }
                    == "/dev/full: cannot be written: No space left on device")
            #expect(
                message { try OutputFile.check(directory.appending(path: "none/a")) }
                    .hasSuffix("none/a: cannot be written: No such file or directory"))
            #expect(kind(full) == S_IFCHR)
            let loop = directory.appending(path: "loop")
            #expect(symlink("loop", loop.path) == 0)
            #expect(
                message { try OutputFile.write(Data("x".utf8), to: loop) }
                    .hasSuffix("loop: cannot be written: Too many levels of symbolic links"))
            #expect(try FileManager.default.destinationOfSymbolicLink(atPath: loop.path) == "loop")
        }
    }
}

import Foundation

extension TestSupport {
    /// Makes a file that a test wrote a program.
    ///
    /// A file that is open for writing cannot be run, and processes that other tests start meanwhile inherit what this one has
    /// open. So another process writes the file anew.
    public static func makeExecutable(_ file: URL) throws {
        let copy = "cp -- \"$0\" \"$0.new\" && chmod 755 \"$0.new\" && mv -- \"$0.new\" \"$0\""
        let result = try Job(URL(filePath: "/bin/sh"), ["-c", copy, file.path]).run()
        guard result.status == 0 else { throw JobError(description: "\(file.path): \(result.errors)") }
    }
}

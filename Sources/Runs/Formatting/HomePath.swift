import Foundation

extension String {
    /// A path as a shell would read it: `~` and `~/` stand for `HOME`, `~NAME` for the home directory of a user of that name.
    ///
    /// Where no user has the name, it is a file's, and gets `./` before it: the rest of the program, which takes paths as they
    /// are, would otherwise hand it to Foundation, which has a rule of its own.
    package var expandingHome: String {
        guard hasPrefix("~") else { return self }
        let end = firstIndex(of: "/") ?? endIndex
        let name = String(self[index(after: startIndex)..<end])
        guard let home = name.isEmpty ? Self.home : Self.home(of: getpwnam(name)) else { return "./" + self }
        return home + self[end...]
    }

    private static var home: String? {
        let variable = ProcessInfo.processInfo.environment["HOME"].flatMap { $0.isEmpty ? nil : $0 }
        return variable ?? home(of: getpwuid(getuid()))
    }

    private static func home(of user: UnsafeMutablePointer<passwd>?) -> String? {
        user.map { String(cString: $0.pointee.pw_dir) }
    }
}

import Foundation

/// `Tests/Helpers/judge_server.py` while a test runs: a server that judges well or badly, by the model's name.
public struct JudgeServer {
    private let port: String

    /// Runs one for the time of `body`.
    public static func with<Result>(_ body: (JudgeServer) throws -> Result) throws -> Result {
        try TestSupport.withTemporaryDirectory { directory in
            let script = TestSupport.repository.appending(path: "Tests/Helpers/judge_server.py")
            let file = directory.appending(path: "port")
            var result: Result?
            let end = try Job(URL(filePath: "/usr/bin/env"), ["python3", script.path, file.path]).run { process in
                guard TestSupport.waits({ FileManager.default.fileExists(atPath: file.path) }) else {
                    throw JobError(description: "\(script.path) does not start")
                }
                result = try body(JudgeServer(port: try String(contentsOf: file, encoding: .utf8)))
                kill(process, SIGKILL)
            }
            guard let result else { throw JobError(description: "\(script.path): \(end.errors)") }
            return result
        }
    }

    /// The address up to its version.
    public var url: String { "http://127.0.0.1:\(port)/v1" }

    /// The reward that one of its models is.
    public func reward(_ model: String) -> String { "openai:\(url)#\(model)" }

    /// What it was asked.
    public struct Stats: Decodable {
        /// Questions that were sent, each time.
        public let requests: Int
        /// The same of each model.
        public let models: [String: Int]
        /// Questions that were answered.
        public let questions: Int
        /// Those of them that were answered more than once.
        public let repeated: Int
    }

    /// What it was asked so far.
    public func stats() throws -> Stats {
        let job = Job(
            URL(filePath: "/usr/bin/env"),
            [
                "python3", "-c", "import sys, urllib.request as u; print(u.urlopen(sys.argv[1]).read().decode())",
                url.replacingOccurrences(of: "/v1", with: "/stats"),
            ])
        return try JSONDecoder().decode(Stats.self, from: Data(try job.run().output.utf8))
    }
}

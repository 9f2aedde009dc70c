import Foundation
import TestSupport

/// Hosts that `cluster/virtual/hosts` makes for one test, and a directory with a tiny model that they share.
struct VirtualHosts {
    /// The shared directory.
    let directory: URL
    private let name: String

    /// Whether this process may make namespaces, and the commands for it are there.
    static let arePossible: Bool = {
        let probe =
            "command -v ip && command -v mpirun && unshare --net --uts --ipc --mount ip link add name probe type bridge"
        return getuid() == 0 && (try? Job(URL(filePath: "/bin/sh"), ["-c", probe]).run())?.status == 0
    }()

    /// Whether Slurm can run on them too.
    static let haveSlurm: Bool = {
        let probe = "command -v slurmctld && command -v slurmd && command -v munged"
        return arePossible && (try? Job(URL(filePath: "/bin/sh"), ["-c", probe]).run())?.status == 0
    }()

    /// Whether that Slurm can tell ranks of each other, by PMIx.
    static let haveSlurmWithPMIx: Bool = {
        let probe = "ls /usr/lib*/*/slurm*/mpi_pmix.so"
        return haveSlurm && (try? Job(URL(filePath: "/bin/sh"), ["-c", probe]).run())?.status == 0
    }()

    /// Makes hosts and takes them down after `body`, whose result must have left no process on any of them.
    static func with(_ count: Int, _ body: (VirtualHosts) throws -> Void) throws {
        try TestSupport.withTemporaryDirectory { directory in
            let hosts = VirtualHosts(directory: directory, name: "test-\(UUID().uuidString.prefix(8))")
            try copyModel(to: directory)
            try hosts.command("up", "\(count)", "--shared", directory.path)
            defer { _ = try? hosts.command("down") }
            try body(hosts)
        }
    }

    /// Writes a configuration: a stage of so many steps, with a checkpoint every few.
    func configure(steps: Int, stallTimeout: Int = 8) throws {
        try write(
            """
            output_dir: out
            model_name_or_path: model
            dataset: {train: pairs.jsonl, max_length: 64, max_prompt_length: 40}
            stages: [sft]
            sft: {max_steps: \(steps), train_batch_size: 6, learning_rate: 1.0e-3}
            save_steps: 20
            stall_timeout_seconds: \(stallTimeout)

            """, "run.yaml", in: directory)
    }

    /// Starts `launch/run` over all hosts.
    func start(_ arguments: String...) throws -> Script.Running {
        try script.start(["--name", name, "run"] + arguments)
    }

    /// Runs `launch/run` on this machine alone.
    func runOnOneHost(_ arguments: String...) throws -> Script.Outcome {
        try Script(name: "run", directory: directory, environment: Self.environment).start(arguments).finish()
    }

    /// Runs another command of the script and returns what it printed.
    @discardableResult
    func command(_ words: String...) throws -> String {
        let outcome = try script.start(["--name", name] + words).finish()
        guard outcome.status == 0 else { throw FailedCommand(error: outcome.error) }
        return outcome.output
    }

    /// Waits for all processes on the hosts to end; what is left of them after so many seconds.
    func processes(after seconds: Double) throws -> String {
        let end = Date().addingTimeInterval(seconds)
        while true {
            let left = try command("processes")
            if left.isEmpty || Date() >= end { return left }
            Thread.sleep(forTimeInterval: 0.2)
        }
    }

    /// The bytes of the model that the run left.
    func result() throws -> Data {
        try Data(contentsOf: directory.appending(path: "out/stages/01-sft/final/model.safetensors"))
    }

    /// Puts a tiny model and a few pairs into a directory.
    static func copyModel(to directory: URL) throws {
        let commands = TestSupport.fixture("commands")
        let files = [
            "model/config.json": TestSupport.fixture("models/llama/config.json"),
            "model/model.safetensors": TestSupport.fixture("models/llama/model.safetensors"),
            "model/tokenizer.json": commands.appending(path: "tokenizer.json"),
            "model/tokenizer_config.json": commands.appending(path: "tokenizer_config.json"),
            "pairs.jsonl": commands.appending(path: "pairs.jsonl"),
        ]
        try FileManager.default.createDirectory(
            at: directory.appending(path: "model"), withIntermediateDirectories: true)
        for (name, source) in files { try Data(contentsOf: source).write(to: directory.appending(path: name)) }
    }

    private var script: Script {
        Script(name: "virtual/hosts", folder: "cluster", directory: directory, environment: Self.environment)
    }

    private static let environment: [String: String?] = [
        "MPO_BINARY": TestSupport.product("mpo").path, "MPO_PROGRESS": "plain",
    ]
}

/// What a command said that failed.
struct FailedCommand: Error {
    let error: String
}

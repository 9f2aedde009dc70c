import Foundation
import TestSupport
import Testing

/// The mpirun command that `launch/run` derives, printed by `--dry-run`.
@Suite
struct RunCommandTests {
    /// The words of the derived command.
    private func words(cores: Int, environment: [String: String?] = [:], _ arguments: [String]) throws -> [String] {
        try TestSupport.withTemporaryDirectory { directory in
            let config = try write("", "config.yaml", in: directory)
            let script = Script(name: "run", environment: ["MPO_CORES": "\(cores)"].merging(environment) { $1 })
            let outcome = try script.start(["--dry-run"] + arguments.map { $0 == "CONFIG" ? config : $0 }).finish()
            #expect(outcome.status == 0, "\(outcome.error)")
            return outcome.output.split(separator: " ").map(String.init).dropLast(while: { $0 == "\n" })
        }
    }

    @Test(
        "Workers times threads are the cores; rank zero is not counted",
        arguments: [(64, 2, 6, 8), (8, 1, 3, 2), (8, 1, 2, 2), (2, 1, 1, 1), (3, 1, 0, 3), (2, 3, 3, 1)])
    func threads(cores: Int, learners: Int, rollouts: Int, threads: Int) throws {
        let roles =
            rollouts > 0 ? ["--learners", "\(learners)", "--rollouts", "\(rollouts)"] : ["--workers", "\(learners)"]
        let words = try words(cores: cores, roles + ["CONFIG"])
        #expect(words.value(after: "-n") == "\(learners + rollouts + 1)")
        #expect(words.contains("OMP_NUM_THREADS=\(threads)"))
        #expect(words.value(after: "--bind-to") == "none")
    }

    @Test(
        "Open MPI is told to oversubscribe exactly where ranks exceed cores",
        arguments: [(2, true), (3, false), (8, false)])
    func oversubscription(cores: Int, isOversubscribed: Bool) throws {
        let words = try words(cores: cores, ["--learners", "1", "--rollouts", "1", "CONFIG"])
        #expect(words.contains("--oversubscribe") == isOversubscribed)
    }

    @Test("Roles reach mpo as placement and learners")
    func roles() throws {
        let split = try words(cores: 8, ["--learners", "3", "--rollouts", "2", "CONFIG"])
        #expect(split.suffix(4) == ["--set", "placement=split", "--set", "learners=3"])
        let colocated = try words(cores: 8, ["--workers", "4", "CONFIG"])
        #expect(colocated.suffix(2) == ["--set", "placement=colocated"])
        let plain = try words(cores: 8, ["--ranks", "4", "CONFIG"])
        #expect(plain.value(after: "-n") == "4")
        #expect(plain.last?.hasSuffix("config.yaml") == true)
        for name in ["-n", "-np"] {
            #expect(try words(cores: 8, [name, "4", "CONFIG"]).dropLast() == plain.dropLast())
        }
    }

    @Test("On several hosts a daemon that cannot be reached is given up within the stall timeout")
    func keepalive() throws {
        try TestSupport.withTemporaryDirectory { directory in
            let binary = try write(
                "#!/bin/sh\necho stall_timeout_seconds: 16\n", "mpo", in: directory, isExecutable: true)
            let hosts = try write("a\nb\n", "hosts", in: directory)
            let environment = ["MPO_BINARY": binary]
            let several = try words(cores: 2, environment: environment, ["-n", "3", "--hostfile", hosts, "CONFIG"])
            let seconds = ["time", "intvl", "probes"].compactMap {
                several.value(after: "oob_tcp_keepalive_\($0)").flatMap { Int($0) }
            }
            #expect(seconds == [8, 2, 3])
            let own = ["--mca", "oob_tcp_keepalive_time", "5"]
            let chosen = try words(
                cores: 2, environment: environment, ["-n", "3", "--hostfile", hosts] + own + ["CONFIG"])
            #expect(chosen.count { $0.hasPrefix("oob_tcp_keepalive") } == 1)
            let one = try words(cores: 2, environment: environment, ["-n", "3", "CONFIG"])
            #expect(!one.contains { $0.hasPrefix("oob_tcp_keepalive") })
        }
    }

    @Test("Options before the config are mpirun's, those after it mpo's, and the script's own may stand behind it too")
    func passedOn() throws {
        let words = try words(
            cores: 8,
            ["--ranks", "3", "--mca", "btl", "tcp,self", "--bind-to", "core", "CONFIG", "--resume", "--set", "seed=7"])
        let config = try #require(words.firstIndex { $0.hasSuffix("config.yaml") })
        #expect(words[..<config].joined(separator: " ").contains("--mca btl tcp,self --bind-to core"))
        #expect(words[..<config].count { $0 == "--bind-to" } == 1)
        #expect(words[(config + 1)...].elementsEqual(["--set", "seed=7", "--resume"]))
        let before = try self.words(cores: 8, ["--workers", "2", "--threads", "3", "CONFIG", "--trace", "t.json"])
        let after = try self.words(cores: 8, ["CONFIG", "--trace", "t.json", "--workers=2", "--threads", "3"])
        let isPath = { (word: String) in word.hasSuffix("config.yaml") }
        #expect(before.filter { !isPath($0) }.sorted() == after.filter { !isPath($0) }.sorted())
    }

    @Test("Variables that begin with MPO_ reach the ranks, but for those that steer the scripts")
    func variables() throws {
        let words = try words(cores: 2, environment: ["MPO_SOMETHING": "1"], ["--ranks", "2", "CONFIG"])
        #expect(words.contains("MPO_SOMETHING"))
        #expect(!words.contains("MPO_CORES"))
    }

    @Test(
        "On several hosts workers fill the cores of each, and rank zero joins the first",
        arguments: [
            ("a slots=8\nb slots=8 # big\n\nc slots=4\n", 5, 4, "a:3,b:2,c:1"),
            ("a slots=8\nb slots=8\n", 2, 8, "a:2,b:1"),
            ("a slots=4\nb slots=2\n", 9, 1, "a:7,b:3"),
            ("a\nb\n", 2, 1, "a:2,b:1"),
            // As mpirun 4.1 reads them.
            ("a slots = 64\n\tb  slots= 64 // big", 2, 64, "a:2,b:1"),
            ("a cpu=08\nb count =8\n", 2, 8, "a:2,b:1"),
            ("a max-slots=4\nb slots=4 slots_max = 8#c\n", 2, 4, "a:2,b:1"),
            ("a\nb\na\na\nb\na\n", 3, 2, "a:3,b:1"),
            ("a slots=4 max_slots=4\nb slots=2 max_slots=9\n", 9, 1, "a:4,b:6"),
            ("a slots=65536\nb slots=65536\n", 2, 65536, "a:2,b:1"),
            // A worker a card while there are enough, and more threads for each where that leaves cores free.
            ("a slots=16 gpus=2\nb slots=16 gpus=4\n", 6, 4, "a:3,b:4"),
            ("a slots=16 gpus=2\nb slots=16 gpus=4\n", 4, 8, "a:3,b:2"),
            ("a slots=16 gpus=1\nb slots=16 gpus=1\n", 4, 8, "a:3,b:2"),
        ])
    func hosts(file: String, workers: Int, threads: Int, placement: String) throws {
        try TestSupport.withTemporaryDirectory { directory in
            let hosts = try write(file, "hosts", in: directory)
            let words = try words(cores: 1, ["--workers", "\(workers)", "--hostfile", hosts, "CONFIG"])
            #expect(words.contains("OMP_NUM_THREADS=\(threads)"))
            #expect(words.value(after: "--host") == placement)
        }
    }

    @Test("In a Slurm allocation mpirun places the ranks, and a task's CPUs are the threads")
    func slurm() throws {
        let slurm = ["SLURM_JOB_ID": "1", "SLURM_NTASKS": "5", "SLURM_CPUS_PER_TASK": "6"]
        let words = try words(cores: 2, environment: slurm, ["--learners", "2", "--rollouts", "2", "CONFIG"])
        #expect(words.contains("OMP_NUM_THREADS=6"))
        #expect(!words.contains("--oversubscribe"))
        #expect(!words.contains("--host"))
    }

    @Test(
        "A mistake is one clear line and status 2",
        arguments: [
            (["CONFIG"], "how many processes"),
            (["--learners", "0", "CONFIG"], "--learners takes a whole number of at least 1, not '0'"),
            (["--learners", "two", "--rollouts", "1", "CONFIG"], "not 'two'"),
            (["--workers"], "--workers takes a whole number"),
            (["CONFIG", "--workers"], "--workers takes a whole number"),
            (["CONFIG", "--stop-before"], "--stop-before takes a time"),
            (["--workers", "2", "--hostfile", "/tmp", "CONFIG"], "no host file /tmp"),
            (["--workers", "2", "--ranks", "3", "CONFIG"], "--workers and --ranks both"),
            (["--learners", "1", "--ranks", "3", "CONFIG"], "leave out --workers and --ranks"),
            (["--workers", "2", "--hostfile", "/none", "CONFIG"], "no host file /none"),
            (["--workers", "2"], "no config given"),
            (["--workers", "2", "none.yaml"], "no config none.yaml"),
        ])
    func refusals(arguments: [String], message: String) throws {
        try TestSupport.withTemporaryDirectory { directory in
            let config = try write("", "config.yaml", in: directory)
            let outcome = try Script(name: "run").start(arguments.map { $0 == "CONFIG" ? config : $0 }).finish()
            #expect(outcome.status == 2)
            #expect(outcome.error.hasPrefix("launch/run: error: "))
            #expect(outcome.lastLine.contains(message))
        }
    }

    @Test("A line of a host file that mpirun 4.1 refuses, or would pass over in part, is refused with its number")
    func badHostFile() throws {
        let lines = [
            ("b slots=many", "'b slots=many': slots takes"), ("b slots=0", "slots takes"),
            ("b slots=-1", "slots takes"), ("b slots=", "slots takes"), ("b slots=1.5", "slots takes"),
            ("b slots=9999999999999", "slots takes"),
            ("b slots=2, c slots=2", "slots takes"), ("b slots=\"2\"", "slots takes"),
            ("b max_slots=x", "max_slots takes"),
            ("b slot=2", "no 'slot'"), ("b SLOTS=2", "no 'SLOTS'"), ("b slots:2", "what is 'slots:2'?"),
            ("b 2", "what is '2'?"), ("b:2", "'b:2': write 'b slots=2'"), ("b, c", "'b,' is no host's name"),
            ("\"b\" slots=2", "is no host's name"), ("^b", "cannot be excluded"), ("+n1", "cannot be relative"),
            ("me@b slots=2", "~/.ssh/config"), ("b username=me slots=2", "~/.ssh/config"), ("fe80::1", "IPv6"),
            ("slots=4", "begins with a host's name"), ("b /* big */ slots=2", "comments begin with #"),
            ("b slots=4 max_slots=2", "more slots than max_slots"), ("b slots=2 cpu=2", "twice"),
            ("a slots=2", "an earlier line"), ("b slots=2\r", "$'b slots=2\\r': ends in a carriage return"),
            ("\u{feff}b", "byte order mark"), ("h\u{f6}st", "is no host's name"),
        ]
        try TestSupport.withTemporaryDirectory { directory in
            let config = try write("", "config.yaml", in: directory)
            for (line, message) in lines {
                let hosts = try write("a slots=4\n\(line)\n", "hosts", in: directory)
                let outcome = try Script(name: "run").run("--workers", "2", "--hostfile", hosts, config)
                #expect(outcome.status == 2, "\(line)")
                #expect(outcome.error.hasPrefix("launch/run: error: \(hosts):2: "), "\(outcome.error)")
                #expect(outcome.lastLine.contains(message), "\(outcome.error)")
            }
            let hosts = try write("a max_slots=2\nb max_slots=1\n", "hosts", in: directory)
            let outcome = try Script(name: "run").run("--workers", "3", "--hostfile", hosts, config)
            #expect(outcome.lastLine.contains("max_slots lets 3 ranks run, and these are 4"), "\(outcome.error)")
        }
    }
}

extension [String] {
    fileprivate func value(after word: String) -> String? {
        firstIndex(of: word).flatMap { $0 + 1 < count ? self[$0 + 1] : nil }
    }

    fileprivate func dropLast(while predicate: (String) -> Bool) -> [String] {
        last.map(predicate) == true ? dropLast() : self
    }
}

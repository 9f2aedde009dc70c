import Foundation
import MPI
import TestSupport
import Testing

@Suite("Ranks under mpirun", .serialized, .enabled(if: TestSupport.mpirun != nil, "mpirun is not in PATH"))
struct DistributedTests {
    private let check = TestSupport.product("mpi-check")

    @Test("An all-reduce has the same bits on every rank and in every run", arguments: [1, 2, 3, 5])
    func allReduceBits(ranks: Int) throws {
        let first = try run("allReduce", ranks: ranks)
        let second = try run("allReduce", ranks: ranks)
        #expect(first.output.hasPrefix("bits "))
        #expect(first.output == second.output)
    }

    @Test(
        "A collective call gives every rank its due, for one rank and for several",
        arguments: ["reduce", "extremes", "broadcast", "gather", "split"], [1, 2, 5])
    func collectives(scenario: String, ranks: Int) throws {
        try run(scenario, ranks: ranks)
    }

    @Test("With checks on, calls in one order pass")
    func checkedCollectives() throws {
        for scenario in ["extremes", "gather", "split"] {
            try run(scenario, ranks: 3, environment: ["MPO_MPI_CHECK": "1"])
        }
    }

    @Test("With checks on, a collective call out of order names ranks and calls")
    func mismatch() throws {
        let result = try run("mismatch", ranks: 4, environment: ["MPO_MPI_CHECK": "1"], status: 1)
        #expect(
            result.errors.contains(
                "ranks of 'world' entered different collective calls: ranks 0, 2-3 call barrier, "
                    + "rank 1 calls allReduce(sum) of 4 Float"))
    }

    @Test("Messages arrive whole and in order, whatever their sizes and sources", arguments: [1, 2, 4])
    func messages(ranks: Int) throws {
        for scenario in ["anySource", "exchange", "parts"] {
            try run(scenario, ranks: ranks)
        }
    }

    @Test("Numbers are received in place, and a wrong count is an error")
    func buffers() throws {
        try run("buffers", ranks: 2)
    }

    @Test("A wait asks its caller each 100 ms and ends when the caller throws")
    func whileWaiting() throws {
        let words = try run("whileWaiting", ranks: 2).output.split { $0 == " " || $0 == "\n" }
        let (count, last) = (try #require(Int(words[1])), try #require(Double(words[3])))
        // A loaded machine wakes it later, never more often.
        #expect((2...10).contains(count))
        #expect((1..<3).contains(last))
    }

    @Test("A rank that waits leaves its core to others")
    func idle() throws {
        // A machine that serves others too makes each wake-up dearer, never cheaper: the best of a few runs counts.
        var shares: [Double] = []
        for _ in 0..<4 where shares.isEmpty || shares.contains(where: { $0 >= 0.05 }) {
            shares = try run("idle", ranks: 3).output.split { $0 == " " || $0 == "\n" }.compactMap { Double($0) }
            #expect(shares.count == 3)
        }
        #expect(shares.allSatisfy { $0 < 0.05 }, "shares of a core in receive, barrier, send: \(shares)")
    }

    @Test("A message wakes a waiting rank within milliseconds")
    func wakeUp() throws {
        // The median of a loaded machine says nothing; one that is under the limit shows what the waiting itself takes.
        var medians: [Double] = []
        for _ in 0..<5 where (medians.min() ?? 1) >= 0.002 {
            let output = try run("wakeUp", ranks: 2).output.trimmingCharacters(in: .whitespacesAndNewlines)
            medians.append(try #require(Double(output)))
        }
        #expect(try #require(medians.min()) < 0.002, "\(medians)")
    }

    @Test("A rank that throws ends the job with its status, and says who and why in one line", arguments: [1, 2, 4])
    func thrownError(ranks: Int) throws {
        let result = try run("throw", ranks: ranks, isQuiet: false, status: 3)
        let lines = result.errors.split(separator: "\n").filter { $0.hasPrefix("mpi-check:") }
        let place = ranks == 1 ? "" : "rank \(ranks - 1) on \(LaunchEnvironment.hostName): "
        #expect(lines == ["mpi-check: \(place)the disk is full"])
        #expect(result.errors.hasPrefix("mpi-check:"), "the cause comes before the launcher's notice")
        // Usually "MPI_ABORT was invoked on rank ..."; at times Open MPI fails to print its own notice and says so instead.
        #expect(result.errors.split(separator: "\n").count > 1, "the launcher's notice follows")
        #expect(result.seconds < 25)
    }

    @Test("A mistake that every rank finds is told once, without a rank", arguments: [1, 2, 5])
    func sharedMistake(ranks: Int) throws {
        let result = try run("configuration", ranks: ranks, status: 2)
        let lines = result.errors.split(separator: "\n").filter { $0.hasPrefix("mpi-check:") }
        #expect(lines == ["mpi-check: config.yaml: no key 'betta'"])
    }

    @Test("A mistake that one rank finds alone is told by that rank")
    func loneMistake() throws {
        let result = try run("configuration", ["2"], ranks: 3, status: 2)
        let lines = result.errors.split(separator: "\n").filter { $0.hasPrefix("mpi-check:") }
        #expect(lines.count == 1)
        #expect(lines.first?.hasPrefix("mpi-check: rank 2 on ") == true)
    }

    @Test("The status that a job's body returns is the job's", arguments: [1, 3])
    func returnedStatus(ranks: Int) throws {
        try run("status", ranks: ranks, status: 75)
    }

    @Test("Rank zero knows which ranks get on, which wait, and which give no sign of life")
    func signsOfLife() throws {
        #expect(try run("signsOfLife", ranks: 6).output == "working waiting silent working working\n")
    }

    @Test("A rank that has no word from rank zero ends itself, even from within a collective call")
    func severed() throws {
        let result = try run("severed", ranks: 2, status: 1)
        let host = LaunchEnvironment.hostName
        #expect(result.errors == "mpo: rank 1 on \(host): no word from rank 0 on \(host) for 2 s; ending\n")
        #expect(result.seconds < 25)
    }

    @Test("A job that passes its time limit is ended with all its ranks", arguments: [0.05, 2])
    func timeLimit(seconds: Double) throws {
        let job = try Job.mpirun(ranks: 2, URL(filePath: "/bin/sleep"), ["98.7654321"], timeLimit: seconds)
        let result = try job.run()
        #expect(result.timedOut)
        #expect(result.seconds < 25)
        let left = try Job(URL(filePath: "/usr/bin/pgrep"), ["-f", "sleep 98.7654321"]).run()
        #expect(left.output.isEmpty)
    }

    /// Runs a scenario and expects its status; a failed one says what its ranks said.
    @discardableResult
    private func run(
        _ scenario: String, _ arguments: [String] = [], ranks: Int, isQuiet: Bool = true,
        environment: [String: String] = [:], status: Int32 = 0, location: SourceLocation = #_sourceLocation
    ) throws -> Job.Result {
        let job = try Job.mpirun(
            ranks: ranks, check, [scenario] + arguments, isQuiet: isQuiet, environment: environment)
        let result = try job.run()
        #expect(
            result.status == status, "\(scenario) on \(ranks) ranks: \(result.output)\(result.errors)",
            sourceLocation: location)
        return result
    }
}
